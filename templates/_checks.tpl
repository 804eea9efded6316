{{/* What the schema of the values cannot say in words: settings that contradict each other. */}}

{{- define "beamline.checks" -}}
{{- with .Values.nats -}}
{{- if and .enabled .url -}}
{{ fail "nats.url is for an existing NATS: set nats.enabled=false too, or leave nats.url empty" }}
{{- end -}}
{{- if not (or .enabled .url) -}}
{{ fail "nats.url is required when nats.enabled=false, for example nats://nats.messaging:4222" }}
{{- end -}}
{{- if and .enabled (or .credentials.operator .credentials.router .credentials.producer) -}}
{{ fail "nats.credentials is for an existing NATS: with nats.enabled and nats.secure the Secrets are made by this chart" }}
{{- end -}}
{{- if and .tls.enabled (not .tls.clientSecret) -}}
{{ fail "nats.tls.clientSecret is required when nats.tls.enabled: a Secret with ca.crt" }}
{{- end -}}
{{- if and .enabled .tls.enabled (not .tls.serverSecret) -}}
{{ fail "nats.tls.serverSecret is required when nats.tls.enabled: a Secret with tls.crt and tls.key" }}
{{- end -}}
{{- end -}}
{{- with .Values.operator.watch -}}
{{- if and .namespaces .namespaceSelector -}}
{{ fail "operator.watch has namespaces and namespaceSelector: choose one" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the schema of the values cannot say in words: settings that contradict each other. */}}

{{- define "beamline.checks" -}}
{{- with .Values.nats -}}
{{- if and .enabled .url -}}
{{ fail "nats.url is for an existing NATS: set nats.enabled=false too, or leave nats.url empty" }}
{{- end -}}
{{- if not (or .enabled .url) -}}
{{ fail "nats.url is required when nats.enabled=false, for example nats://nats.messaging:4222" }}
{{- end -}}
{{- if and .enabled (or .credentials.operator .credentials.router .credentials.controlplane .credentials.producer) -}}
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
{{- with .Values.controlPlane -}}
{{- if and .tls.verifyClients (not .tls.secret) -}}
{{ fail "controlPlane.tls.secret is required when controlPlane.tls.verifyClients: a Secret with tls.crt, tls.key and ca.crt" }}
{{- end -}}
{{- if and .enabled (eq .auth "certificate") (not .tls.verifyClients) -}}
{{ fail "controlPlane.tls.verifyClients is required when controlPlane.auth is certificate" }}
{{- end -}}
{{- if and .enabled (eq .auth "api-key") (not .apiKeysSecret) -}}
{{ fail "controlPlane.apiKeysSecret is required when controlPlane.auth is api-key: a Secret with api-keys.yaml" }}
{{- end -}}
{{- end -}}
{{- if .Values.nats.enabled -}}
{{ include "beamline.checkStored" . }}
{{- end -}}
{{- end -}}

{{/* Refuses what would hide all that NATS has stored: a cluster does not see the streams of a single server (tried on 2.15), nor
one account those of another. Sees nothing without a cluster to look at (`helm template`). */}}
{{- define "beamline.checkStored" -}}
{{- $name := include "beamline.nats.fullname" . -}}
{{- with lookup "apps/v1" "StatefulSet" .Release.Namespace $name -}}
{{- $stored := .metadata.annotations | default dict -}}
{{- $wayOut := printf "docs/helm.md says how to move. When nothing that is stored is needed, delete the StatefulSet %s and its volumes first" $name -}}
{{- $servers := index $stored "beamline.dev/nats-replicas" | default (toString $.Values.nats.replicas) -}}
{{- if ne $servers (toString $.Values.nats.replicas) -}}
{{ fail (printf "nats.replicas is %v and was %s: the streams would no longer be seen. %s" $.Values.nats.replicas $servers $wayOut) }}
{{- end -}}
{{- $secure := index $stored "beamline.dev/nats-secure" | default (toString $.Values.nats.secure) -}}
{{- if ne $secure (toString $.Values.nats.secure) -}}
{{ fail (printf "nats.secure is %v and was %s: the streams are in another account and would no longer be seen. %s" $.Values.nats.secure $secure $wayOut) }}
{{- end -}}
{{- end -}}
{{- end -}}

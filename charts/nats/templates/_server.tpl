{{/* Labels, addresses and configuration of the servers. */}}

{{- define "nats.labels" -}}
{{ include "beamline.labels" (dict "root" . "component" "nats") }}
{{- end -}}

{{- define "nats.selectorLabels" -}}
{{ include "beamline.selectorLabels" (dict "root" . "component" "nats") }}
{{- end -}}

{{- define "nats.podLabels" -}}
{{ include "beamline.podLabels" (dict "root" . "component" "nats") }}
{{- end -}}

{{- define "nats.headless" -}}
{{ include "beamline.nats.fullname" . }}-headless
{{- end -}}

{{- define "nats.tls" -}}
tls {
  cert_file: "/etc/nats-tls/tls.crt"
  key_file: "/etc/nats-tls/tls.key"
  {{- if .verify }}
  ca_file: "/etc/nats-tls/ca.crt"
  verify: true
  {{- end }}
}
{{- end -}}

{{- define "nats.config" -}}
{{- $fullname := include "beamline.nats.fullname" . -}}
server_name: $SERVER_NAME
port: 4222
http_port: 8222
max_payload: {{ .Values.maxPayload }}
lame_duck_duration: {{ .Values.lameDuckDuration | quote }}
lame_duck_grace_period: "10s"

jetstream {
  store_dir: "/data"
  max_file_store: {{ .Values.jetstream.maxFileStore }}
  max_memory_store: {{ .Values.jetstream.maxMemoryStore }}
}
{{- if .Values.tls.enabled }}

{{ include "nats.tls" (dict "verify" .Values.tls.verifyClients) }}
{{- end }}
{{- if gt (int .Values.replicas) 1 }}

cluster {
  name: {{ $fullname | quote }}
  port: 6222
  no_advertise: true
  routes: [
    {{- range $index := until (int .Values.replicas) }}
    "nats://{{ $fullname }}-{{ $index }}.{{ include "nats.headless" $ }}:6222"
    {{- end }}
  ]
}
{{- end }}
{{- if .Values.secure }}

# Made before the first install by the Job nats-accounts: the operator's JWT, the accounts, their users.
include "accounts.conf"
{{- end }}
{{- with .Values.extraConfig }}

{{ . | trim }}
{{- end }}
{{- end -}}

{{/*
Of what accounts let through by this release (core/trust/), a part of what servers are started with: an upgrade that changes it restarts
them, as servers read accounts when they start. test/chart/nats-config.test.ts says what it must be.
*/}}
{{- define "nats.accountsDigest" -}}
c480353d1496bcc4
{{- end -}}

{{/* The schema holds lameDuckDuration to whole seconds or minutes. */}}
{{- define "nats.lameDuckSeconds" -}}
{{- $duration := .Values.lameDuckDuration -}}
{{- if hasSuffix "m" $duration -}}
{{ mul (trimSuffix "m" $duration | int) 60 }}
{{- else -}}
{{ trimSuffix "s" $duration | int }}
{{- end -}}
{{- end -}}

{{/* Where NATS is and who signs in with what, for everything that connects to it. */}}

{{- define "beamline.nats.url" -}}
{{- if .Values.nats.enabled -}}
{{ ternary "tls" "nats" .Values.nats.tls.enabled }}://{{ include "beamline.nats.fullname" . }}.{{ .Release.Namespace }}.svc:4222
{{- else -}}
{{ .Values.nats.url }}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with a role's nats.creds, or nothing. Takes a dict of root and role. */}}
{{- define "beamline.nats.credentialsSecret" -}}
{{- $nats := .root.Values.nats -}}
{{- if not $nats.enabled -}}
{{ index $nats.credentials .role }}
{{- else if $nats.secure -}}
{{ include "beamline.nats.fullname" .root }}-{{ .role }}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the certificates of clients, or nothing. */}}
{{- define "beamline.nats.clientTlsSecret" -}}
{{- if .Values.nats.tls.enabled -}}
{{ .Values.nats.tls.clientSecret }}
{{- end -}}
{{- end -}}

{{/* Environment of a client. Takes a dict of root and role. */}}
{{- define "beamline.nats.env" -}}
- name: BEAMLINE_NATS_URL
  value: {{ include "beamline.nats.url" .root | quote }}
{{- if include "beamline.nats.credentialsSecret" . }}
- name: BEAMLINE_NATS_CREDENTIALS_FILE
  value: /etc/beamline/nats/nats.creds
{{- end }}
{{- if include "beamline.nats.clientTlsSecret" .root }}
- name: BEAMLINE_NATS_TLS_CA_FILE
  value: /etc/beamline/nats-tls/ca.crt
{{- if .root.Values.nats.tls.verifyClients }}
- name: BEAMLINE_NATS_TLS_CERT_FILE
  value: /etc/beamline/nats-tls/tls.crt
- name: BEAMLINE_NATS_TLS_KEY_FILE
  value: /etc/beamline/nats-tls/tls.key
{{- end }}
{{- end }}
{{- end -}}

{{/* Mounted as folders, never as single files: only those follow a Secret that changes. Takes a dict of root and role. */}}
{{- define "beamline.nats.volumeMounts" -}}
{{- if include "beamline.nats.credentialsSecret" . }}
- name: nats-credentials
  mountPath: /etc/beamline/nats
  readOnly: true
{{- end }}
{{- if include "beamline.nats.clientTlsSecret" .root }}
- name: nats-tls
  mountPath: /etc/beamline/nats-tls
  readOnly: true
{{- end }}
{{- end -}}

{{- define "beamline.nats.volumes" -}}
{{- with include "beamline.nats.credentialsSecret" . }}
- name: nats-credentials
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- with include "beamline.nats.clientTlsSecret" .root }}
- name: nats-tls
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- end -}}

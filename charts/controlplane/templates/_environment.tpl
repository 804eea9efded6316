{{/* What the control plane's process is told (docs/configuration.md). */}}

{{- define "controlplane.environment" -}}
{{- $values := .Values.controlPlane -}}
- name: BEAMLINE_CONTROLPLANE_ADDRESS
  value: "0.0.0.0:50051"
- name: BEAMLINE_CONTROLPLANE_REPLICAS
  value: {{ $values.replicas | quote }}
- name: BEAMLINE_CONTROLPLANE_AUTH
  value: {{ $values.auth | quote }}
{{- if eq $values.auth "api-key" }}
- name: BEAMLINE_CONTROLPLANE_API_KEYS_FILE
  value: /etc/beamline/api-keys/api-keys.yaml
{{- end }}
- name: BEAMLINE_CONTROLPLANE_POLICIES
  value: kubernetes
- name: BEAMLINE_ROUTER_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: BEAMLINE_ROUTER_NAME
  value: default
{{- if $values.tls.secret }}
- name: BEAMLINE_CONTROLPLANE_TLS_CERT_FILE
  value: /etc/beamline/tls/tls.crt
- name: BEAMLINE_CONTROLPLANE_TLS_KEY_FILE
  value: /etc/beamline/tls/tls.key
{{- if $values.tls.verifyClients }}
- name: BEAMLINE_CONTROLPLANE_TLS_CLIENT_CA_FILE
  value: /etc/beamline/tls/ca.crt
{{- end }}
{{- end }}
- name: BEAMLINE_HEALTH_HOST
  value: "0.0.0.0"
- name: BEAMLINE_HEALTH_PORT
  value: "8082"
- name: BEAMLINE_LOG_LEVEL
  value: {{ $values.logLevel | quote }}
{{ include "beamline.nats.env" (dict "root" . "role" "controlplane") }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

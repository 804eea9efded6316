{{/* What the operator's process is told (docs/configuration.md). It refuses names that it does not know. */}}

{{- define "operator.environment" -}}
{{- $values := .Values.operator -}}
- name: BEAMLINE_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: BEAMLINE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: BEAMLINE_LEASE_NAME
  value: {{ include "beamline.operator.fullname" . | quote }}
- name: BEAMLINE_HTTP_HOST
  value: "0.0.0.0"
- name: BEAMLINE_HTTP_PORT
  value: "8081"
- name: BEAMLINE_LOG_LEVEL
  value: {{ $values.logLevel | quote }}
{{- with $values.watch.namespaces }}
- name: BEAMLINE_WATCH_NAMESPACES
  value: {{ concat . (list $.Release.Namespace) | uniq | join "," | quote }}
{{- end }}
{{- with $values.watch.namespaceSelector }}
- name: BEAMLINE_WATCH_NAMESPACE_SELECTOR
  value: {{ . | quote }}
{{- end }}
- name: BEAMLINE_REQUIRE_TENANT
  value: {{ $values.requireTenant | quote }}
- name: BEAMLINE_STREAM_REPLICAS
  value: {{ min 3 (int .Values.nats.replicas) | quote }}
{{ include "beamline.nats.env" (dict "root" . "role" "operator") }}
{{- with $values.allowedNatsUrls }}
- name: BEAMLINE_NATS_URL_ALLOWED
  value: {{ join "," . | quote }}
{{- end }}
{{- include "operator.routerEnvironment" . }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What it gives to routers. */}}
{{- define "operator.routerEnvironment" }}
- name: BEAMLINE_INSTANCE
  value: {{ .Release.Name | quote }}
- name: BEAMLINE_ROUTER_NAME
  value: default
- name: BEAMLINE_ROUTER_IMAGE
  value: {{ include "beamline.image" . | quote }}
- name: BEAMLINE_ROUTER_IMAGE_PULL_POLICY
  value: {{ .Values.image.pullPolicy }}
{{- with .Values.global.imagePullSecrets }}
- name: BEAMLINE_ROUTER_IMAGE_PULL_SECRETS
  value: {{ join "," . | quote }}
{{- end }}
{{- with include "beamline.nats.credentialsSecret" (dict "root" . "role" "router") }}
- name: BEAMLINE_ROUTER_NATS_CREDENTIALS_SECRET
  value: {{ . | quote }}
{{- end }}
{{- with include "beamline.nats.clientTlsSecret" . }}
- name: BEAMLINE_ROUTER_NATS_TLS_SECRET
  value: {{ . | quote }}
{{- end }}
{{- end -}}

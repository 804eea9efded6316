{{- define "operator.labels" -}}
{{ include "beamline.labels" (dict "root" . "component" "operator") }}
{{- end -}}

{{- define "operator.selectorLabels" -}}
{{ include "beamline.selectorLabels" (dict "root" . "component" "operator") }}
{{- end -}}

{{- define "operator.podLabels" -}}
{{ include "beamline.podLabels" (dict "root" . "component" "operator") }}
{{- end -}}

{{/* Its token is mounted in the operator's pods alone, which ask for it. */}}
{{- define "operator.serviceAccount" }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "beamline.operator.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
  {{- with .Values.operator.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

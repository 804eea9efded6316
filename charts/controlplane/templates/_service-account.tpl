{{- define "controlplane.labels" -}}
{{ include "beamline.labels" (dict "root" . "component" "control-plane") }}
{{- end -}}

{{- define "controlplane.selectorLabels" -}}
{{ include "beamline.selectorLabels" (dict "root" . "component" "control-plane") }}
{{- end -}}

{{- define "controlplane.podLabels" -}}
{{ include "beamline.podLabels" (dict "root" . "component" "control-plane") }}
{{- end -}}

{{/* Its token is mounted in the control plane's pods alone, which ask for it. */}}
{{- define "controlplane.serviceAccount" }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "beamline.controlPlane.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
  {{- with .Values.controlPlane.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

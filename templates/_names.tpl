{{/* Names, labels and references that the templates of all charts share. */}}

{{/* A release's name may have 53 characters and dots; Services may not, and pods of a StatefulSet want room for a hash. */}}
{{- define "beamline.fullname" -}}
{{ .Release.Name | replace "." "-" | trunc 40 | trimSuffix "-" }}
{{- end -}}

{{- define "beamline.operator.fullname" -}}
{{ include "beamline.fullname" . }}-operator
{{- end -}}

{{- define "beamline.controlPlane.fullname" -}}
{{ include "beamline.fullname" . }}-control-plane
{{- end -}}

{{/* host:port, as clients in the cluster dial it. */}}
{{- define "beamline.controlPlane.address" -}}
{{ include "beamline.controlPlane.fullname" . }}.{{ .Release.Namespace }}.svc:50051
{{- end -}}

{{- define "beamline.operator.readinessUrl" -}}
http://{{ include "beamline.operator.fullname" . }}.{{ .Release.Namespace }}.svc:8081/readyz
{{- end -}}

{{/* Also the prefix of the Secrets that nats-accounts makes. */}}
{{- define "beamline.nats.fullname" -}}
{{ include "beamline.fullname" . }}-nats
{{- end -}}

{{/* Of cluster-scoped objects: a namespace holds no colon, so releases of two namespaces never meet. */}}
{{- define "beamline.clusterName" -}}
{{ .Release.Namespace }}:{{ include "beamline.fullname" . }}
{{- end -}}

{{/* Takes a dict of root and component. */}}
{{- define "beamline.selectorLabels" -}}
app.kubernetes.io/name: beamline
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Takes a dict of root and component; the version is that of the chart that renders. */}}
{{- define "beamline.labels" -}}
{{ include "beamline.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: beamline
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of pods: nothing that changes with a release, or each upgrade would restart them all. Takes a dict of root and component. */}}
{{- define "beamline.podLabels" -}}
{{ include "beamline.selectorLabels" . }}
app.kubernetes.io/part-of: beamline
{{- end -}}

{{/* Takes a dict of image and defaultTag. */}}
{{- define "beamline.imageReference" -}}
{{- with .image.digest -}}
{{ $.image.repository }}@{{ . }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .defaultTag }}
{{- end -}}
{{- end -}}

{{- define "beamline.image" -}}
{{ include "beamline.imageReference" (dict "image" .Values.image "defaultTag" .Chart.AppVersion) }}
{{- end -}}

{{- define "beamline.imagePullSecrets" -}}
{{- with .Values.global.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

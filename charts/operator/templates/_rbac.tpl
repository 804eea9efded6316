{{/* The roles that the watch mode asks for, and who has them. */}}

{{/* Takes a dict of root, kind, name and namespace (or none). */}}
{{- define "operator.binding" }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "operator.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "beamline.operator.fullname" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end -}}

{{- define "operator.rbac" }}
{{- $release := .Release.Namespace }}
{{- $watched := .Values.operator.watch.namespaces }}
{{- $clusterName := printf "%s-operator" (include "beamline.clusterName" .) }}
{{- $name := include "beamline.operator.fullname" . }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $clusterName | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
rules:
  {{- include "operator.clusterRules" . | nindent 2 }}
  {{- if not $watched }}
  {{- include "operator.namespacedRules" . | nindent 2 }}
  {{- end }}
  {{- if .Values.operator.watch.namespaceSelector }}
  # Which namespaces the selector means.
  - apiGroups: [""]
    resources: [namespaces]
    verbs: [list, watch]
  {{- end }}
---
{{- include "operator.binding" (dict "root" . "kind" "ClusterRole" "name" $clusterName) }}
{{- range $namespace := concat $watched (list $release) | uniq }}
{{- if or $watched (eq $namespace $release) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name | quote }}
  namespace: {{ $namespace | quote }}
  labels:
    {{- include "operator.labels" $ | nindent 4 }}
rules:
  {{- if $watched }}
  {{- include "operator.namespacedRules" $ | nindent 2 }}
  {{- end }}
  {{- if eq $namespace $release }}
  {{- include "operator.releaseRules" $ | nindent 2 }}
  {{- end }}
---
{{- include "operator.binding" (dict "root" $ "kind" "Role" "name" $name "namespace" $namespace) }}
{{- end }}
{{- end }}
{{- end -}}

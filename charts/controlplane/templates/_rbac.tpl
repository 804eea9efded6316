{{/* What the control plane may do, who has it, and what others may be given. */}}

{{/* Takes a dict of root, kind, name and namespace (or none). */}}
{{- define "controlplane.binding" }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "controlplane.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
subjects:
  - kind: ServiceAccount
    name: {{ include "beamline.controlPlane.fullname" .root | quote }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end -}}

{{/* Whom it lets in, and which policies it writes for callers that may write them themselves: both are asked first. */}}
{{- define "controlplane.clusterRules" -}}
{{- if eq .Values.controlPlane.auth "kubernetes" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}
# In which namespace a tenant's policies are.
- apiGroups: [beamline.dev]
  resources: [tenants]
  verbs: [get, list]
{{- end -}}

{{/* In every namespace whose objects the operator reads. */}}
{{- define "controlplane.namespacedRules" -}}
- apiGroups: [beamline.dev]
  resources: [routingpolicies]
  verbs: [get, list, create, patch, delete]
# Which Provider an id means, and under which prefix a Router's streams are.
- apiGroups: [beamline.dev]
  resources: [providers]
  verbs: [list]
- apiGroups: [beamline.dev]
  resources: [routers]
  verbs: [get]
{{- end -}}

{{- define "controlplane.rbac" }}
{{- $watched := .Values.operator.watch.namespaces }}
{{- $clusterName := printf "%s-control-plane" (include "beamline.clusterName" .) }}
{{- $name := include "beamline.controlPlane.fullname" . }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $clusterName | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
rules:
  {{- include "controlplane.clusterRules" . | trim | nindent 2 }}
  {{- if not $watched }}
  {{- include "controlplane.namespacedRules" . | nindent 2 }}
  {{- end }}
---
{{- include "controlplane.binding" (dict "root" . "kind" "ClusterRole" "name" $clusterName) }}
{{- if $watched }}
{{- range $namespace := concat $watched (list .Release.Namespace) | uniq }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name | quote }}
  namespace: {{ $namespace | quote }}
  labels:
    {{- include "controlplane.labels" $ | nindent 4 }}
rules:
  {{- include "controlplane.namespacedRules" $ | nindent 2 }}
---
{{- include "controlplane.binding" (dict "root" $ "kind" "Role" "name" $name "namespace" $namespace) }}
{{- end }}
{{- end }}
{{- end -}}

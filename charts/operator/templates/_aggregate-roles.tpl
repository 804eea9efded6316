{{/* What holders of view, edit and admin may do with the kinds. Tenants say who may write for whom, so they stay with administrators. */}}

{{- define "operator.aggregateRoles" }}
{{- if .Values.operator.aggregateRoles }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-view" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-view: "true"
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  - apiGroups: [beamline.dev]
    resources: [routingpolicies, providers, routers, tenants, pipelines]
    verbs: [get, list, watch]
  - apiGroups: [beamline.dev]
    resources: [routingpolicies/status, providers/status, routers/status, routers/scale, tenants/status, pipelines/status]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-edit" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  - apiGroups: [beamline.dev]
    resources: [routingpolicies, providers, routers, pipelines]
    verbs: [create, update, patch, delete, deletecollection]
  - apiGroups: [beamline.dev]
    resources: [routers/scale]
    verbs: [update, patch]
{{- end }}
{{- end -}}

{{/*
What callers may be given (controlplane/access/rights.ts): components, components/any, configurations and lags exist nowhere but in these rules.
*/}}

{{- define "controlplane.roles" }}
{{- if eq .Values.controlPlane.auth "kubernetes" }}
---
# What a source, a processor or a consumer needs. Bind it to the ServiceAccount of its pods.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-component" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
rules:
  - apiGroups: [control.beamline.dev]
    resources: [components]
    verbs: [create, update, delete, get, list]
  - apiGroups: [control.beamline.dev]
    resources: [configurations]
    verbs: [watch]
---
# What KEDA needs: its ServiceAccount asks how much work waits.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-scaler" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
rules:
  - apiGroups: [control.beamline.dev]
    resources: [lags]
    verbs: [get]
{{- if .Values.controlPlane.aggregateRoles }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-components-view" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-view: "true"
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  - apiGroups: [control.beamline.dev]
    resources: [components]
    verbs: [get, list, watch]
  - apiGroups: [control.beamline.dev]
    resources: [configurations]
    verbs: [watch]
  - apiGroups: [control.beamline.dev]
    resources: [lags]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ printf "%s-components-edit" (include "beamline.clusterName" .) | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
rules:
  - apiGroups: [control.beamline.dev]
    resources: [components, configurations]
    verbs: [create, update, delete]
  # Components that others registered; a processor of who is no service account may be anybody's.
  - apiGroups: [control.beamline.dev]
    resources: [components/any]
    verbs: [update, delete]
{{- end }}
{{- end }}
{{- end -}}

{{/* What the operator may do, as rules of Roles: the least that it runs with. No wildcard, no list of Secrets. */}}

{{/* In every namespace that it watches. */}}
{{- define "operator.namespacedRules" -}}
- apiGroups: [beamline.dev]
  resources: [routingpolicies, providers, routers, pipelines]
  verbs: [get, list, watch]
- apiGroups: [beamline.dev]
  resources: [routingpolicies/status, providers/status, routers/status, pipelines/status]
  verbs: [patch]
# To own a router's objects where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [beamline.dev]
  resources: [routers/finalizers]
  verbs: [update]
# What a Router becomes. Where that admission is on, an object may be adopted only by who may delete it.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
# How it goes.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* Of cluster scope, whatever is watched. */}}
{{- define "operator.clusterRules" -}}
- apiGroups: [beamline.dev]
  resources: [tenants]
  verbs: [get, list, watch]
- apiGroups: [beamline.dev]
  resources: [tenants/status]
  verbs: [patch]
# It brings its own CRDs up to date, and no others.
- apiGroups: [apiextensions.k8s.io]
  resources: [customresourcedefinitions]
  resourceNames:
    - pipelines.beamline.dev
    - providers.beamline.dev
    - routers.beamline.dev
    - routingpolicies.beamline.dev
    - tenants.beamline.dev
  verbs: [get, patch]
{{- end -}}

{{/* In the release's namespace. */}}
{{- define "operator.releaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "beamline.operator.fullname" . | quote }}]
  verbs: [get, list, watch, update]
# The Router "default", when it is missing.
- apiGroups: [beamline.dev]
  resources: [routers]
  verbs: [create]
{{- $secrets := compact (list (include "beamline.nats.credentialsSecret" (dict "root" . "role" "router")) (include "beamline.nats.clientTlsSecret" .)) }}
{{- with $secrets }}
# To say whether what routers mount is there.
- apiGroups: [""]
  resources: [secrets]
  resourceNames:
    {{- range . }}
    - {{ . | quote }}
    {{- end }}
  verbs: [get]
{{- end }}
{{- end -}}

{{/* Who reaches the control plane, whom it reaches, and how many may be away at once. */}}

{{- define "controlplane.service" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "beamline.controlPlane.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
spec:
  # A gRPC client keeps one connection: with an address for each pod it finds another one by itself.
  clusterIP: None
  selector:
    {{- include "controlplane.selectorLabels" . | nindent 4 }}
  ports:
    - {name: grpc, port: 50051, targetPort: grpc, appProtocol: grpc}
    - {name: http, port: 8082, targetPort: http}
{{- end -}}

{{- define "controlplane.podDisruptionBudget" }}
{{- if and .Values.controlPlane.podDisruptionBudget.enabled (gt (int .Values.controlPlane.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "beamline.controlPlane.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "controlplane.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Nothing is said of egress: it asks processors for their capabilities, wherever they are. */}}
{{- define "controlplane.networkPolicy" }}
{{- if .Values.controlPlane.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "beamline.controlPlane.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "controlplane.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {protocol: TCP, port: 50051}
        - {protocol: TCP, port: 8082}
{{- end }}
{{- end -}}

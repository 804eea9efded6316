{{/* Who reaches the operator, whom it reaches, and how many may be away at once. */}}

{{- define "operator.service" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "beamline.operator.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "operator.selectorLabels" . | nindent 4 }}
  ports:
    - name: http
      port: 8081
      targetPort: http
{{- end -}}

{{- define "operator.podDisruptionBudget" }}
{{- if and .Values.operator.podDisruptionBudget.enabled (gt (int .Values.operator.replicas) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "beamline.operator.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "operator.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Ports that the URLs of NATS name, each once. Takes the URLs with commas. */}}
{{- define "operator.natsPorts" -}}
{{- $ports := list }}
{{- range splitList "," . }}
{{- $ports = append $ports (regexFind ":[0-9]+$" (trimSuffix "/" (trim .)) | trimPrefix ":" | default "4222") }}
{{- end }}
{{- $ports | uniq | join "," }}
{{- end -}}

{{- define "operator.networkPolicy" }}
{{- with .Values.operator.networkPolicy }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "beamline.operator.fullname" $ | quote }}
  namespace: {{ $.Release.Namespace | quote }}
  labels:
    {{- include "operator.labels" $ | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "operator.selectorLabels" $ | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - {protocol: TCP, port: 8081}
  egress:
    # Names; behind the Service's port 53, DNS pods of some distributions listen on 5353.
    - ports:
        - {protocol: UDP, port: 53}
        - {protocol: TCP, port: 53}
        - {protocol: UDP, port: 5353}
        - {protocol: TCP, port: 5353}
    # The API server, whose address no policy can know.
    - ports:
        {{- range .apiServerPorts }}
        - {protocol: TCP, port: {{ . }}}
        {{- end }}
    # NATS.
    - ports:
        {{- range splitList "," (include "operator.natsPorts" (include "beamline.nats.url" $)) }}
        - {protocol: TCP, port: {{ . }}}
        {{- end }}
      {{- if $.Values.nats.enabled }}
      to:
        - podSelector:
            matchLabels:
              {{- include "beamline.selectorLabels" (dict "root" $ "component" "nats") | nindent 14 }}
      {{- end }}
    {{- with $.Values.operator.allowedNatsUrls }}
    # NATS that Routers may name instead: the operator connects to it, too.
    - ports:
        {{- range splitList "," (include "operator.natsPorts" (join "," .)) }}
        - {protocol: TCP, port: {{ . }}}
        {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "controlplane.deployment" }}
{{- $values := .Values.controlPlane }}
{{- $nats := dict "root" . "role" "controlplane" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "beamline.controlPlane.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "controlplane.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "controlplane.selectorLabels" . | nindent 6 }}
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  template:
    metadata:
      labels:
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "controlplane.podLabels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "beamline.controlPlane.fullname" . | quote }}
      automountServiceAccountToken: true
      # A Service "beamline-nats" would set BEAMLINE_NATS_PORT.
      enableServiceLinks: false
      {{- with include "beamline.imagePullSecrets" . }}
      {{- . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- include "beamline.podSecurityContext" . | nindent 8 }}
      # Streams are told to go elsewhere at once; calls in flight are waited for.
      terminationGracePeriodSeconds: 30
      containers:
        - name: control-plane
          image: {{ include "beamline.image" . | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [/app/controlplane/main.js]
          env:
            {{- include "controlplane.environment" . | nindent 12 }}
          ports:
            - {name: grpc, containerPort: 50051}
            - {name: http, containerPort: 8082}
          startupProbe:
            httpGet: {path: /livez, port: http}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 2
            timeoutSeconds: 5
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "beamline.containerSecurityContext" . | nindent 12 }}
          {{- with include "controlplane.volumeMounts" $nats }}
          volumeMounts:
            {{- . | trim | nindent 12 }}
          {{- end }}
      {{- with include "controlplane.volumes" $nats }}
      volumes:
        {{- . | trim | nindent 8 }}
      {{- end }}
      {{- include "beamline.scheduling" (dict "values" $values "selector" (include "controlplane.selectorLabels" .)) | nindent 6 }}
{{- end -}}

{{/* Takes a dict of root and role, as those of NATS. */}}
{{- define "controlplane.volumeMounts" -}}
{{- include "beamline.nats.volumeMounts" . }}
{{- if .root.Values.controlPlane.tls.secret }}
- name: tls
  mountPath: /etc/beamline/tls
  readOnly: true
{{- end }}
{{- if eq .root.Values.controlPlane.auth "api-key" }}
- name: api-keys
  mountPath: /etc/beamline/api-keys
  readOnly: true
{{- end }}
{{- end -}}

{{- define "controlplane.volumes" -}}
{{- include "beamline.nats.volumes" . }}
{{- with .root.Values.controlPlane.tls.secret }}
- name: tls
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
{{- end }}
{{- if eq .root.Values.controlPlane.auth "api-key" }}
- name: api-keys
  secret:
    secretName: {{ .root.Values.controlPlane.apiKeysSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- end -}}

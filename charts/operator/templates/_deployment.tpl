{{- define "operator.deployment" }}
{{- $values := .Values.operator }}
{{- $nats := dict "root" . "role" "operator" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "beamline.operator.fullname" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
  labels:
    {{- include "operator.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "operator.selectorLabels" . | nindent 6 }}
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
        {{- include "operator.podLabels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "beamline.operator.fullname" . | quote }}
      automountServiceAccountToken: true
      # A Service "beamline-nats" would set BEAMLINE_NATS_PORT.
      enableServiceLinks: false
      {{- with include "beamline.imagePullSecrets" . }}
      {{- . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- include "beamline.podSecurityContext" . | nindent 8 }}
      # It gives its lease back first, which takes well under a second.
      terminationGracePeriodSeconds: 30
      containers:
        - name: operator
          image: {{ include "beamline.image" . | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [/app/operator/kubernetes-main.js]
          env:
            {{- include "operator.environment" . | nindent 12 }}
          ports:
            - name: http
              containerPort: 8081
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
          volumeMounts:
            - name: private
              mountPath: /tmp
            {{- with include "beamline.nats.volumeMounts" $nats }}
            {{- . | trim | nindent 12 }}
            {{- end }}
      volumes:
        # Credentials of Routers in other namespaces, which NATS clients read from files. In memory: they never reach a disk.
        - name: private
          emptyDir:
            medium: Memory
            sizeLimit: 64Mi
        {{- with include "beamline.nats.volumes" $nats }}
        {{- . | trim | nindent 8 }}
        {{- end }}
      {{- include "beamline.scheduling" (dict "values" $values "selector" (include "operator.selectorLabels" .)) | nindent 6 }}
{{- end -}}

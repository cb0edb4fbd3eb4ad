{{- /* Labels that select the pods of this release. Releases in one namespace differ in their name. */}}
{{- define "fleet-repl.labels" -}}
app.kubernetes.io/name: {{ .Release.Name }}
{{- end }}

{{- define "fleet-repl.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default .Release.Name }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "fleet-repl.configMap" -}}
{{ .Values.existingConfigMap | default (printf "%s-inventory" .Release.Name) }}
{{- end }}

{{- define "fleet-repl.secret" -}}
{{- if .Values.existingSecret -}}
{{ .Values.existingSecret }}
{{- else if .Values.secret -}}
{{ printf "%s-external-id" .Release.Name }}
{{- end -}}
{{- end }}

{{- define "fleet-repl.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end }}

{{- /* The arguments of a round, or of a watch that stays. */}}
{{- define "fleet-repl.args" -}}
- watch
- /etc/fleet-repl/inventory.toml
{{- if eq .Values.mode "cronjob" }}
- --once
{{- else }}
- --every
- {{ .Values.every | quote }}
{{- end }}
{{- if .Values.fix }}
- --fix
{{- end }}
{{- if eq .Values.mode "deployment" }}
- --listen
- {{ printf "0.0.0.0:%d" (int .Values.port) | quote }}
{{- end }}
{{- with .Values.state }}
- --state
- {{ . | quote }}
{{- end }}
{{- range .Values.args }}
- {{ . | quote }}
{{- end }}
- --log-format
- json
{{- end }}

{{- /* What the pods of both ways have in common. */}}
{{- define "fleet-repl.pod" -}}
serviceAccountName: {{ include "fleet-repl.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # Lets the user read the token of IRSA.
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: fleet-repl
    image: {{ include "fleet-repl.image" . | quote }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    args: {{- include "fleet-repl.args" . | nindent 6 }}
    {{- with include "fleet-repl.secret" . }}
    envFrom:
      - secretRef:
          name: {{ . }}
    {{- end }}
    {{- with .Values.env }}
    env:
      {{- range $name, $value := . }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
    {{- end }}
    {{- if eq .Values.mode "deployment" }}
    ports:
      - name: http
        containerPort: {{ .Values.port }}
    startupProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 2
      failureThreshold: 30
    livenessProbe:
      httpGet:
        path: /healthz
        port: http
      periodSeconds: 30
      timeoutSeconds: 5
      failureThreshold: 4
    readinessProbe:
      httpGet:
        path: /readyz
        port: http
      periodSeconds: 30
      timeoutSeconds: 5
    {{- end }}
    resources: {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: ["ALL"]
    volumeMounts:
      - name: inventory
        mountPath: /etc/fleet-repl
        readOnly: true
volumes:
  - name: inventory
    configMap:
      name: {{ include "fleet-repl.configMap" . }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

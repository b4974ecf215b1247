{{- define "rollout-guard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- /* The name of all objects: the release, followed by the chart's name if the release does not contain it. */}}
{{- define "rollout-guard.fullname" -}}
{{- $name := include "rollout-guard.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "rollout-guard.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rollout-guard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{- /* Labels and annotations of every object. `component`, `labels` and `annotations` are optional. */}}
{{- define "rollout-guard.metadata" -}}
{{- $root := .root }}
{{- $labels := dict
  "app.kubernetes.io/name" (include "rollout-guard.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (.component | default "webhook")
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_")
}}
{{- $labels = mergeOverwrite (deepCopy $root.Values.commonLabels) (.labels | default dict) $labels }}
{{- $annotations := mergeOverwrite (deepCopy $root.Values.commonAnnotations) (.annotations | default dict) -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "rollout-guard.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "rollout-guard.fullname" .) }}
{{- end }}

{{- /* The Secret of the serving certificate. Each mode has its own name, because Helm deletes the Secret of the previous mode. */}}
{{- define "rollout-guard.tlsSecretName" -}}
{{- if eq .Values.certificates.mode "secret" }}
{{- required "certificates.mode is `secret`: set certificates.secret.name to the Secret that holds tls.crt and tls.key" .Values.certificates.secret.name }}
{{- else if eq .Values.certificates.mode "certManager" }}
{{- printf "%s-serving" (include "rollout-guard.fullname" .) }}
{{- else }}
{{- printf "%s-tls" (include "rollout-guard.fullname" .) }}
{{- end }}
{{- end }}

{{- /* The names by which the API server may call the webhook, as a YAML list. */}}
{{- define "rollout-guard.dnsNames" -}}
{{- $service := printf "%s.%s.svc" (include "rollout-guard.fullname" .) .Release.Namespace -}}
- {{ $service }}
- {{ $service }}.{{ .Values.clusterDomain }}
{{- end }}

{{- define "rollout-guard.image" -}}
{{- $image := .Values.image }}
{{- $tag := $image.tag | default .Chart.AppVersion }}
{{- if not $image.repository }}
{{- printf "image.repository is not set, and there is no public image: build one from the Dockerfile in the root of the repository (docker build -t REGISTRY/rollout-guard:%s .), push it to a registry that the nodes can pull from, and install with --set image.repository=REGISTRY/rollout-guard" $tag | fail }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository $tag }}
{{- end }}
{{- end }}

{{- /* Satisfies the Pod Security Standard `restricted`, together with securityContext below. */}}
{{- define "rollout-guard.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "rollout-guard.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* The action of rule RG103, which the self-test breaks: empty, deny, warn or off. */}}
{{- define "rollout-guard.selfTestAction" -}}
{{- $action := "" }}
{{- range $rule, $value := .Values.actions }}
{{- if has $rule (list "RG103" "duplicate-services") }}
{{- $action = include "rollout-guard.action" $value }}
{{- end }}
{{- end }}
{{- $action }}
{{- end }}

{{- /* YAML reads an unquoted `off` as false. */}}
{{- define "rollout-guard.action" -}}
{{- if kindIs "bool" . }}off{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* The settings file of `rollout-guard serve`. */}}
{{- define "rollout-guard.settings" -}}
profile: {{ .Values.profile }}
{{- with .Values.actions }}
actions:
  {{- range $rule, $action := . }}
  {{ $rule }}: {{ include "rollout-guard.action" $action | quote }}
  {{- end }}
{{- end }}
controllerUsers: {{ toJson .Values.controller.users }}
controllerManager: {{ .Values.controller.fieldManager | quote }}
clusterDomain: {{ .Values.clusterDomain | quote }}
{{- with .Values.argoVersion }}
argoVersion: {{ . | quote }}
{{- end }}
pending: {{ .Values.pending }}
{{- with .Values.argoCDLabel }}
argoCDLabel: {{ . | quote }}
{{- end }}
crossNamespace: {{ .Values.crossNamespace }}
istio:
  rootNamespace: {{ .Values.istio.rootNamespace | quote }}
  primaryCluster: {{ .Values.istio.primaryCluster }}
{{- end }}

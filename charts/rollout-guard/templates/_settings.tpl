{{- /* The settings file of `rollout-guard serve`. */}}
{{- define "rollout-guard.settings" -}}
profile: {{ .Values.profile }}
{{- with .Values.actions }}
actions:
  {{- range $rule, $action := . }}
  {{ $rule }}: {{ include "rollout-guard.action" $action | quote }}
  {{- end }}
{{- end }}
{{- with .Values.mutations }}
mutations:
  {{- range $mutation, $value := . }}
  {{ $mutation }}: {{ include "rollout-guard.action" $value | quote }}
  {{- end }}
{{- end }}
controllerUsers: {{ toJson .Values.controller.users }}
controllerManager: {{ .Values.controller.fieldManager | quote }}
exemptByFieldManager: {{ .Values.controller.exemptByFieldManager }}
clusterDomain: {{ .Values.clusterDomain | quote }}
{{- with .Values.argoVersion }}
argoVersion: {{ . | quote }}
{{- end }}
pending: {{ .Values.pending }}
{{- with .Values.argoCDLabel }}
argoCDLabel: {{ . | quote }}
{{- end }}
crossNamespace: {{ .Values.crossNamespace }}
allowAnnotation: {{ .Values.allowAnnotation }}
istio:
  rootNamespace: {{ .Values.istio.rootNamespace | quote }}
  primaryCluster: {{ .Values.istio.primaryCluster }}
{{- end }}

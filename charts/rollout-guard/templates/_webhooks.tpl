{{- /*
The entries of a webhook configuration. `verb`: mutate or validate. `kinds`: from files/kinds.yaml. `operations`.
`options`: the values of this webhook. `controller`: whether it is for the writes of the listed users instead of all others. Services have their own entry with a condition, because only few Services belong to a
rollout.
*/}}
{{- define "rollout-guard.webhooks" -}}
{{- $all := . }}
{{- $flows := list }}
{{- $services := list }}
{{- range .kinds }}
{{- if eq .resource "services" }}{{ $services = append $services . }}{{ else }}{{ $flows = append $flows . }}{{ end }}
{{- end }}
{{- $of := ternary "controller-" "" (dig "controller" false .) }}
- name: {{ $of }}flows.{{ .verb }}.rollout-guard.io
  {{- include "rollout-guard.webhook" (merge (dict "kinds" $flows) $all) | nindent 2 }}
- name: {{ $of }}services.{{ .verb }}.rollout-guard.io
  {{- include "rollout-guard.webhook" (merge (dict "kinds" $services "services" true) $all) | nindent 2 }}
{{- end }}

{{- define "rollout-guard.webhook" -}}
{{- $root := .root }}
{{- $operations := .operations -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "rollout-guard.fullname" $root }}
    namespace: {{ $root.Release.Namespace }}
    path: /{{ .verb }}
    port: 443
  {{- with include "rollout-guard.caBundle" $root }}
  caBundle: {{ . }}
  {{- end }}
rules:
  {{- range .kinds }}
  - apiGroups: [{{ .group | quote }}]
    apiVersions: {{ toJson .versions }}
    resources: [{{ .resource }}]
    operations: {{ toJson $operations }}
    scope: Namespaced
  {{- end }}
matchPolicy: Equivalent
sideEffects: None
failurePolicy: {{ .options.failurePolicy }}
timeoutSeconds: {{ .options.timeoutSeconds }}
{{- if eq .verb "mutate" }}
reinvocationPolicy: IfNeeded
{{- end }}
namespaceSelector:
  {{- with $root.Values.webhook.namespaceSelector.matchLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- toYaml (uniq (list "kube-system" "kube-node-lease" $root.Release.Namespace)) | nindent 8 }}
    - key: rollout-guard.io/enforce
      operator: NotIn
      values: ["off"]
    {{- with $root.Values.webhook.namespaceSelector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- with include "rollout-guard.matchConditions" . }}
matchConditions:
  {{- trim . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* An error in a condition silently skips the webhook, so each one handles absent fields and objects. */}}
{{- define "rollout-guard.matchConditions" -}}
{{- $controller := dig "controller" false . }}
{{- with .root.Values.controller.users }}
{{- if $controller }}
- name: the-rollouts-controller
  expression: 'request.userInfo.username in {{ toJson . }}'
{{- else }}
- name: not-the-rollouts-controller
  expression: '!(request.userInfo.username in {{ toJson . }})'
{{- end }}
{{- end }}
{{- if .services }}
- name: updates-of-a-rollouts-service
  expression: >-
    request.operation != "UPDATE" || [oldObject, object].exists(service,
    (has(service.spec) && has(service.spec.selector) && "rollouts-pod-template-hash" in service.spec.selector) ||
    (has(service.metadata.annotations) && "argo-rollouts.argoproj.io/managed-by-rollouts" in service.metadata.annotations))
{{- end }}
{{- /* These writes must succeed even if no pod answers. */}}
{{- if eq .options.failurePolicy "Fail" }}
- name: not-what-is-being-deleted
  expression: '!has((request.operation == "DELETE" ? oldObject : object).metadata.deletionTimestamp)'
{{- if has "DELETE" .operations }}
- name: not-a-delete-by-the-system
  expression: 'request.operation != "DELETE" || !(request.userInfo.username in {{ toJson .systemUsers }})'
{{- end }}
{{- end }}
{{- end }}

{{- /*
Whether the writes of the listed users are sent to /mutate: to share the ownership of fields, and to see that a listed user
writes as the controller.
*/}}
{{- define "rollout-guard.seesController" -}}
{{- $mutations := .Values.mutations | default dict }}
{{- $shared := "auto" }}
{{- if hasKey $mutations "shared-ownership" }}{{ $shared = include "rollout-guard.action" (get $mutations "shared-ownership") }}{{ end }}
{{- if and .Values.controller.users (or (ne $shared "off") (eq .Values.controller.exemptByFieldManager "auto")) }}true{{ end }}
{{- end }}

{{- /* The CA in base64 in mode `secret`. In the other modes the pods or cert-manager's injector write it. */}}
{{- define "rollout-guard.caBundle" -}}
{{- if eq .Values.certificates.mode "secret" }}
{{- $ca := .Values.certificates.secret.caBundle }}
{{- if and (not $ca) (not .Values.webhook.annotations) }}
{{- fail "certificates.mode is `secret`: set certificates.secret.caBundle to the CA in PEM (--set-file certificates.secret.caBundle=ca.crt), or webhook.annotations to make another tool write it" }}
{{- end }}
{{- with $ca }}{{ b64enc . }}{{ end }}
{{- end }}
{{- end }}

{{- /* The annotations of both webhook configurations. */}}
{{- define "rollout-guard.webhookAnnotations" -}}
{{- $annotations := deepCopy .Values.webhook.annotations }}
{{- if eq .Values.certificates.mode "certManager" }}
{{- $certificate := printf "%s/%s" .Release.Namespace (include "rollout-guard.tlsSecretName" .) }}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" $certificate }}
{{- end }}
{{- toYaml $annotations }}
{{- end }}

{{- /* The resource of reports in a group. */}}
{{- define "rollout-guard.reports" -}}
{{- ternary "reports" "policyreports" (eq . "openreports.io") -}}
{{- end }}

{{- /*
Whether the API server serves ValidatingAdmissionPolicies. Helm knows the kinds of a cluster, but none without a cluster (`helm
template`), where it does not even know Pod: then it is assumed, because Kubernetes serves them since 1.30.
*/}}
{{- define "rollout-guard.admissionPolicyServed" -}}
{{- $versions := .Capabilities.APIVersions }}
{{- $knowsKinds := $versions.Has "v1/Pod" }}
{{- if or ($versions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") (not $knowsKinds) }}true{{ end }}
{{- end }}

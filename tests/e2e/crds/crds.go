// Package crds names the modules whose custom resource definitions the tests install. It is never built:
// the blank import only keeps the requirement in go.mod.
package crds

import _ "istio.io/api/networking/v1"

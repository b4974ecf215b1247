// Package sarif keeps the module with the schema in go.mod.
package sarif

import _ "github.com/owenrumney/go-sarif/v3/pkg/report"

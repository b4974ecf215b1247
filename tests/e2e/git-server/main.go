// Command git-server serves the bare repositories of a folder over HTTP, for reading, with git's own http-backend: as
// a git host answers Argo CD and Flux.
//
//	git-server ADDRESS FOLDER
package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: git-server ADDRESS FOLDER")
		os.Exit(2)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	backend := &cgi.Handler{
		Path: git,
		Args: []string{"http-backend"},
		Env:  []string{"GIT_PROJECT_ROOT=" + os.Args[2], "GIT_HTTP_EXPORT_ALL=1"},
		// git refuses requests whose repository belongs to somebody else, unless HOME says otherwise.
		InheritEnv: []string{"HOME"},
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[1], backend))
	os.Exit(1)
}

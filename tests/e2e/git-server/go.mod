module rollout-guard/tests/e2e/git-server

go 1.26.0

// Command istiod-validation serves the validating webhook of istiod, without the rest of istiod.
package main

import (
	"flag"
	"log"
	"net/http"

	"istio.io/istio/pkg/config/schema/collections"
	istiolog "istio.io/istio/pkg/log"
	"istio.io/istio/pkg/webhooks/validation/server"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9443", "address of the webhook")
	certificate := flag.String("tls-cert", "tls.crt", "serving certificate (PEM)")
	key := flag.String("tls-key", "tls.key", "its private key (PEM)")
	flag.Parse()

	options := istiolog.DefaultOptions()
	options.SetDefaultOutputLevel(istiolog.DefaultScopeName, istiolog.WarnLevel)
	if err := istiolog.Configure(options); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	if _, err := server.New(server.Options{
		Schemas:      collections.Istio,
		DomainSuffix: "cluster.local",
		Mux:          mux,
	}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, mux))
}

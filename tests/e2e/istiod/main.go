// Command istiod-validation serves istiod's validation webhook without the rest of istiod: its validation server, with
// the schemas that istiod gives it.
package main

import (
	"flag"
	"log"
	"net/http"

	"istio.io/istio/pkg/config/constants"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/webhooks/validation/server"
)

func main() {
	listen := flag.String("listen", ":15017", "address of the webhook")
	certificate := flag.String("cert", "", "file with the certificate in PEM")
	key := flag.String("key", "", "file with its key in PEM")
	flag.Parse()
	mux := http.NewServeMux()
	_, err := server.New(server.Options{
		Schemas:      collections.Istio,
		DomainSuffix: constants.DefaultClusterLocalDomain,
		Mux:          mux,
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, mux))
}

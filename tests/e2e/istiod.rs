//! istiod's validation webhook, without the rest of istiod.

use std::process::Command;

use k8s_openapi::ByteString;
use serde_json::json;

use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::Run;
use crate::world::DEADLINE;

/// The running webhook and its configuration, which is deleted with this.
pub struct Istiod<'a> {
    bed: &'a Bed,
    configuration: &'a str,
    #[expect(dead_code, reason = "it runs until this is dropped")]
    process: Process,
}

impl<'a> Istiod<'a> {
    /// Starts it, and registers it as istiod's chart does, by this name and with the `Fail` that istiod then sets.
    pub fn start(bed: &'a Bed, configuration: &'a str) -> Self {
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let (cert, key) = (
            certificate.cert.pem(),
            certificate.signing_key.serialize_pem(),
        );
        let save = |name: &str, text: &str| {
            let path = bed.layout.state(name);
            std::fs::write(&path, text).expect("the state folder can be written");
            path
        };
        let mut command = Command::new(bed.layout.tool("istiod-validation"));
        command
            .arg(format!("--listen={ADDRESS}"))
            .arg(format!("--cert={}", save("istiod.crt", &cert)))
            .arg(format!("--key={}", save("istiod.key", &key)));
        let log = bed.layout.log("istiod-validation");
        let process = Process::start("istiod-validation", command, &log);
        let istiod = Self {
            bed,
            configuration,
            process,
        };
        istiod.register(cert);
        istiod
    }

    fn register(&self, ca: String) {
        let webhook = json!({
            "name": "validation.istio.io",
            "clientConfig": {
                "url": format!("https://{ADDRESS}/validate"),
                "caBundle": ByteString(ca.into_bytes()),
            },
            "rules": [{
                "operations": ["CREATE", "UPDATE"],
                "apiGroups": ["networking.istio.io"], "apiVersions": ["*"], "resources": ["*"],
            }],
            "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.configuration}, "webhooks": [webhook],
        });
        self.kubectl("create -f -").input(configuration).ok();
        let empty = json!({
            "apiVersion": "networking.istio.io/v1", "kind": "Gateway",
            "metadata": {"name": "empty"}, "spec": {},
        });
        poll(
            "istiod refuses a Gateway without servers",
            DEADLINE,
            &mut || {
                let ran = self
                    .kubectl("create --dry-run=server -f -")
                    .input(&empty)
                    .run();
                let refused = ran.stderr.contains("configuration is invalid");
                if refused {
                    Ok(())
                } else {
                    Err(ran.to_string())
                }
            },
        );
    }

    fn kubectl(&self, words: &str) -> Run {
        Run::kubectl(&self.bed.layout, ADMIN, "default", words)
    }
}

impl Drop for Istiod<'_> {
    fn drop(&mut self) {
        let delete = format!(
            "delete validatingwebhookconfiguration {}",
            self.configuration
        );
        self.kubectl(&delete).run();
    }
}

const ADDRESS: &str = "127.0.0.1:15017";

//! cert-manager: the controllers that issue certificates of a CA, and cainjector.

use std::process::Command;

use serde_json::{Value, json};

use crate::api::text;
use crate::bed::{ADMIN, Bed, Process, poll};
use crate::command::Run;
use crate::guard::NAMESPACE;
use crate::world::DEADLINE;

pub struct CertManager<'a> {
    bed: &'a Bed,
    #[expect(dead_code, reason = "it runs until this is dropped")]
    process: Process,
}

impl<'a> CertManager<'a> {
    pub fn start(bed: &'a Bed) -> Self {
        let crds = std::fs::canonicalize(bed.layout.tool("cert-manager-crds"));
        let crds = crds.expect("tests/e2e/build creates the link");
        let kubectl = |words: &str| Run::kubectl(&bed.layout, ADMIN, "default", words);
        kubectl("apply --server-side -f").arg(crds).ok();
        kubectl("wait --for=condition=Established crd/certificates.cert-manager.io crd/issuers.cert-manager.io").ok();
        let mut command = Command::new(bed.layout.tool("cert-manager"));
        let kubeconfig = bed.layout.kubeconfig(ADMIN, "cert-manager");
        command.arg("--as").arg(kubeconfig);
        let process = Process::start("cert-manager", command, &bed.layout.log("cert-manager"));
        Self { bed, process }
    }

    /// What `cmctl renew` does. Returns the stored Certificate once the new certificate is issued.
    pub fn renew(&self, certificate: &str) -> Value {
        let before = revision(&self.certificate(certificate).unwrap_or_default());
        let now = k8s_openapi::jiff::Timestamp::now().as_second();
        let now = k8s_openapi::jiff::Timestamp::from_second(now).expect("a time");
        let patch = json!([{"op": "add", "path": "/status/conditions/-", "value": {
            "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
            "message": "renewed by a story", "lastTransitionTime": now.to_string(),
        }}]);
        let words = format!("patch certificate {certificate} --subresource=status --type=json -p");
        self.kubectl(&words).arg(patch.to_string()).ok();
        self.until_issued(certificate, before + 1)
    }

    /// Waits until this revision of the certificate is issued.
    pub fn until_issued(&self, certificate: &str, from: u64) -> Value {
        let what = format!("revision {from} of {certificate}");
        poll(&what, DEADLINE, &mut || {
            let stored = self.certificate(certificate)?;
            let conditions = stored
                .pointer("/status/conditions")
                .and_then(Value::as_array);
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            if ready && revision(&stored) >= from {
                Ok(stored)
            } else {
                Err(stored["status"].to_string())
            }
        })
    }

    /// The certificates of the CA by which the Secret's certificate is verified, in PEM.
    pub fn authority(&self, secret: &str) -> String {
        let secret = self.kubectl(&format!("get secret {secret} -o json")).ok();
        let secret: Value = serde_json::from_str(&secret.stdout).expect("JSON");
        text(&secret, "/data/ca.crt").to_owned()
    }

    fn certificate(&self, name: &str) -> Result<Value, String> {
        let found = self
            .kubectl(&format!("get certificate {name} -o json"))
            .run();
        serde_json::from_str(&found.stdout).map_err(|_| found.stderr)
    }

    fn kubectl(&self, words: &str) -> Run {
        Run::kubectl(&self.bed.layout, ADMIN, NAMESPACE, words)
    }
}

fn revision(certificate: &Value) -> u64 {
    let revision = certificate.pointer("/status/revision");
    revision.and_then(Value::as_u64).unwrap_or_default()
}

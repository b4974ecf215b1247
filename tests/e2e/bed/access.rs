//! Access to the API server: its CA and certificate, the key of the ServiceAccounts, users, kubeconfigs.

use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use serde_json::{Value, json};

use super::Layout;
use crate::network::HOST;

/// Writes all keys, certificates and the file of users.
pub fn write(layout: &Layout) {
    let save = |name: &str, text: &str| {
        std::fs::write(layout.state.join(name), text).expect("the state folder can be written");
    };
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params
        .distinguished_name
        .push(DnType::CommonName, "test bed CA");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    save("ca.crt", &ca.pem());

    let names = NAMES.map(str::to_owned);
    let params = CertificateParams::new(names).expect("DNS names and addresses");
    let key = KeyPair::generate().unwrap();
    save("server.crt", &params.signed_by(&key, &ca).unwrap().pem());
    save("server.key", &key.serialize_pem());

    write_caller(&save, layout);

    let accounts = KeyPair::generate().unwrap();
    save("accounts.key", &accounts.serialize_pem());
    save("accounts.pub", &accounts.public_key_pem());

    // Fixed tokens: only the test bed's own network can reach the API server.
    save(
        "users.csv",
        &format!(
            "{ADMIN},{ADMIN},1,\"system:masters\"\n\
             {MANAGER},{MANAGER},2\n"
        ),
    );
}

/// What the API server shows to the webhooks that ask for it: a client certificate of a CA of its own. `other.crt` is of
/// the same CA and for another name.
fn write_caller(save: &impl Fn(&str, &str), layout: &Layout) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    save("callers.crt", &ca.pem());
    for (file, name) in [("caller", CALLER), ("other", "somebody-else")] {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        save(
            &format!("{file}.crt"),
            &params.signed_by(&key, &ca).unwrap().pem(),
        );
        save(&format!("{file}.key"), &key.serialize_pem());
    }
    let user = json!({
        "client-certificate": layout.state("caller.crt"), "client-key": layout.state("caller.key"),
    });
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config",
        "users": [{"name": "rollout-guard.rollout-guard.svc", "user": user}],
    });
    save("webhooks.kubeconfig", &kubeconfig.to_string());
    let plugin = |name: &str| {
        json!({"name": name, "configuration": {
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "WebhookAdmissionConfiguration",
            "kubeConfigFile": layout.state("webhooks.kubeconfig"),
        }})
    };
    let plugins = ["MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"].map(plugin);
    let admission = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins,
    });
    save("admission.yaml", &admission.to_string());
}

/// The administrator's client.
pub async fn client(layout: &Layout) -> Client {
    let file = layout.kubeconfig(ADMIN, "default");
    let file = Kubeconfig::read_from(file).expect("the kubeconfig just written");
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("a kubeconfig")).expect("a client")
}

impl Layout {
    /// A kubeconfig of this user with the default namespace `namespace`. For a user that is not one of the test
    /// bed's own, the administrator impersonates the name, with all rights: admission sees that name.
    pub fn kubeconfig(&self, user: &str, namespace: &str) -> PathBuf {
        let user = if OWN.contains(&user) {
            json!({"token": user})
        } else {
            json!({"token": ADMIN, "as": user, "as-groups": ["system:masters"]})
        };
        self.write_kubeconfig(&user, namespace)
    }

    /// A kubeconfig with a token that the API server has issued.
    pub fn kubeconfig_of_token(&self, token: &str, namespace: &str) -> PathBuf {
        self.write_kubeconfig(&json!({"token": token}), namespace)
    }

    fn write_kubeconfig(&self, user: &Value, namespace: &str) -> PathBuf {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut name = DefaultHasher::new();
        (user.to_string(), namespace).hash(&mut name);
        let path = self
            .state
            .join(format!("{:016x}.kubeconfig", name.finish()));
        if !path.exists() {
            let text = json!({
                "apiVersion": "v1", "kind": "Config", "current-context": "bed",
                "clusters": [{"name": "bed", "cluster": {
                    "server": format!("https://{HOST}:6443"),
                    "certificate-authority": self.state("ca.crt"),
                }}],
                "users": [{"name": "user", "user": user}],
                "contexts": [{"name": "bed", "context": {
                    "cluster": "bed", "user": "user", "namespace": namespace,
                }}],
            });
            // Atomically: stories that run in parallel may write the same file.
            let whole = self.state.join(format!(
                "{:016x}.{:?}",
                name.finish(),
                std::thread::current().id()
            ));
            std::fs::write(&whole, text.to_string()).expect("the state folder can be written");
            std::fs::rename(whole, &path).expect("the state folder can be written");
        }
        path
    }
}

/// The cluster's administrator.
pub const ADMIN: &str = "admin";
/// The name in the API server's client certificate for webhooks.
pub const CALLER: &str = "kube-apiserver-webhooks";
pub const MANAGER: &str = "system:kube-controller-manager";
const OWN: [&str; 2] = [ADMIN, MANAGER];
const NAMES: [&str; 5] = [
    HOST,
    "10.96.0.1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
];

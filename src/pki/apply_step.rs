//! Carries out a step: makes the keys and certificates that it needs.

use std::time::SystemTime;

use super::authority::{Authority, AuthorityError};
use super::certificate_set::{CaCertificate, CertificateSet};
use super::rotation::{Policy, Step};
use super::secret::SecretData;
use super::serving_certificate::ServingCertificate;
use super::validity::Validity;

/// Why a step cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error("cannot make a CA: {0}")]
    Authority(#[source] AuthorityError),
    #[error("cannot make a CA: its certificate cannot be read")]
    Unreadable,
    #[error("there is no CA to sign a certificate")]
    NoSigner,
    #[error("cannot make a certificate: {0}")]
    Serving(#[source] AuthorityError),
}

impl Policy {
    /// What to write into the Secret.
    pub fn apply(
        &self,
        step: Step,
        mut set: CertificateSet,
        now: SystemTime,
    ) -> Result<SecretData, StepError> {
        set.trusted_since = None;
        match step {
            Step::MakeAuthority => self.make_authority(&mut set, now)?,
            Step::IssueServing => set.serving = Some(self.issue(&set, now)?),
            Step::NoteTrust => set.trusted_since = Some(now),
            Step::ForgetTrust | Step::Tidy => {}
        }
        Ok(set.data())
    }

    fn make_authority(&self, set: &mut CertificateSet, now: SystemTime) -> Result<(), StepError> {
        let validity = Validity::starting(now, self.ca_lifetime);
        let authority = Authority::new(validity).map_err(StepError::Authority)?;
        let certificate = CaCertificate::of(authority.certificate().clone());
        let certificate = certificate.ok_or(StepError::Unreadable)?;
        set.authorities.insert(0, certificate);
        set.signer = Some(authority);
        if set.serving.is_none() {
            set.serving = Some(self.issue(set, now)?);
        }
        Ok(())
    }

    /// A certificate never outlives its CA: a client that checks both would no longer trust it.
    fn issue(
        &self,
        set: &CertificateSet,
        now: SystemTime,
    ) -> Result<ServingCertificate, StepError> {
        let (Some(signer), Some(newest)) = (&set.signer, set.authorities.first()) else {
            return Err(StepError::NoSigner);
        };
        let validity = Validity::starting(now, self.serving_lifetime);
        let validity = validity.until(newest.validity.not_after);
        let serving = signer.issue(&self.names, validity);
        serving.map_err(StepError::Serving)
    }
}

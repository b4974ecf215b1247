//! What a Rollout's analyses name: AnalysisTemplates and ClusterAnalysisTemplates.

use super::reader::Reader;

/// A reference to an AnalysisTemplate of the Rollout's namespace, or to a ClusterAnalysisTemplate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateRef {
    /// `templateName`; empty if absent.
    pub name: String,
    /// `clusterScope`: it is a ClusterAnalysisTemplate.
    pub cluster_scope: bool,
}

/// An analysis of a step, in the background, or before or after a promotion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// In the order of the list. Each must exist before the controller does anything (`getReferencedRolloutAnalyses`).
    pub templates: Vec<TemplateRef>,
}

impl Analysis {
    pub(super) fn read(analysis: &Reader<'_>) -> Self {
        let templates = analysis.get("templates").objects(TemplateRef::read);
        Self {
            templates: templates.unwrap_or_default(),
        }
    }
}

impl TemplateRef {
    pub(super) fn read(reference: &Reader<'_>) -> Self {
        Self {
            name: reference.get("templateName").string().unwrap_or_default(),
            cluster_scope: reference.get("clusterScope").boolean(),
        }
    }
}

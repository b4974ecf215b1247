//! A label selector, as in a Rollout's `spec.selector`.

use serde_json::Value;

use super::notes::Notes;
use super::reader::{Labels, Reader};

/// A Kubernetes label selector: all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Labels with their values.
    pub match_labels: Labels,
    /// `matchExpressions`, in their order.
    pub expressions: Vec<Expression>,
}

/// One entry of `matchExpressions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`; as it is written.
    pub operator: String,
    /// Empty for `Exists` and `DoesNotExist`.
    pub values: Vec<String>,
}

impl Selector {
    pub(super) fn read(selector: &Reader<'_>) -> Self {
        let expressions = selector.get("matchExpressions");
        Self {
            match_labels: selector.get("matchLabels").labels().unwrap_or_default(),
            expressions: expressions
                .objects(|expression| Expression {
                    key: expression.get("key").string().unwrap_or_default(),
                    operator: expression.get("operator").string().unwrap_or_default(),
                    values: expression.get("values").strings().unwrap_or_default(),
                })
                .unwrap_or_default(),
        }
    }

    /// A selector of any object.
    pub fn of(selector: &Value) -> Self {
        Self::read(&Reader::new(selector, &Notes::default()))
    }

    /// Whether it selects everything, which the controller refuses.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.expressions.is_empty()
    }

    /// Whether the labels satisfy it. An unknown operator is satisfied.
    pub fn matches(&self, labels: &Labels) -> bool {
        let mut wanted = self.match_labels.iter();
        wanted.all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|one| one.matches(labels))
    }
}

impl Expression {
    /// Whether the labels satisfy it. An unknown operator is satisfied.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator.as_str() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => true,
        }
    }
}

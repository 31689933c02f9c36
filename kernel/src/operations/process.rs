//! Processes: start one, end one, see how one is doing.

use bpmn::program::Variables;
use engine::Error as EngineError;
use engine::port::{Instance, StartInstance, Status};
use serde_json::{Value, json};

use super::Call;
use crate::Error;

impl Call<'_> {
    /// Starts the newest version of the process `process` with `variables`; twice is once.
    pub(super) async fn start_process(&self) -> Result<Variables, Error> {
        let process = self.text("process")?;
        let variables = match self.job.variables.get("variables") {
            None | Some(Value::Null) => Variables::new(),
            Some(Value::Object(variables)) => variables.clone(),
            Some(_) => return Err(self.missing("variables", "an object")),
        };
        let request = StartInstance {
            process_id: Some(process.to_owned()),
            variables,
            seed: self.job.seed,
            actor: Some("tde".to_owned()),
            dry_run: self.job.dry_run,
            idempotency_key: Some(format!("task/{}", self.job.key)),
            ..StartInstance::default()
        };
        match self.parts.engine.start(request).await {
            Ok(instance) => Ok(Variables::from_iter([("instanceKey".to_owned(), json!(instance))])),
            Err(EngineError::NotFound { .. }) => {
                Err(self.failed("process.not_found", format!("no process {process:?} is deployed")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the instance `instanceKey`; one that has ended already is fine.
    pub(super) async fn terminate_process(&self) -> Result<Variables, Error> {
        let key = self.instance_key()?;
        let found = self.found(key).await?;
        if found.status == Status::Active {
            let reason = format!("task {} of instance {}", self.job.element, self.job.instance);
            match self.parts.engine.cancel(key, &reason).await {
                // It ended between the two.
                Ok(()) | Err(EngineError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(told(&self.found(key).await?))
    }

    /// How the instance `instanceKey` is doing.
    pub(super) async fn monitor_process(&self) -> Result<Variables, Error> {
        let found = self.found(self.instance_key()?).await?;
        let mut told = told(&found);
        told.insert("variables".to_owned(), Value::Object(found.variables));
        Ok(told)
    }

    fn instance_key(&self) -> Result<i64, Error> {
        let key = self.number("instanceKey")?.and_then(|key| i64::try_from(key).ok());
        let key = key.ok_or_else(|| self.missing("instanceKey", "the key of an instance"))?;
        if key == self.job.instance {
            return Err(self.failed("process.own", "an instance cannot do this to itself".to_owned()));
        }
        Ok(key)
    }

    async fn found(&self, key: i64) -> Result<Instance, Error> {
        match self.parts.engine.instance(key).await {
            Err(EngineError::NotFound { .. }) => {
                Err(self.failed("process.not_found", format!("there is no instance {key}")))
            }
            other => Ok(other?),
        }
    }
}

fn told(instance: &Instance) -> Variables {
    Variables::from_iter([
        ("instanceKey".to_owned(), json!(instance.key)),
        ("status".to_owned(), json!(instance.status)),
        ("incidents".to_owned(), json!(instance.incidents)),
    ])
}

//! What every engine promises of the operations of a person: suspend, resume, modify, migrate, assign, escalate.

use std::collections::BTreeMap;

use engine::port::{Assignment, Escalation, Migration, Modification};

use super::*;

pub(super) async fn all(bench: &Bench) {
    bench.a_suspended_instance_begins_nothing_and_takes_an_answer_that_was_under_way().await;
    bench.a_message_waits_for_a_suspended_receiver().await;
    bench.a_token_is_moved_and_its_job_goes_with_it().await;
    bench.an_instance_goes_on_by_a_newer_version().await;
    bench.a_user_task_is_claimed_by_one_and_taken_over_only_on_purpose().await;
    if bench.escalates {
        bench.a_person_escalates_and_the_task_stays_open().await;
    }
}

impl Bench {
    /// Jobs that can be leased now.
    async fn free(&self, instance: i64) -> usize {
        let request = ActivateJobs {
            worker: "contract".to_owned(),
            instance: Some(instance),
            max: 10,
            lease_ms: 60_000,
            wait_ms: 300,
            ..ActivateJobs::default()
        };
        self.engine.activate_jobs(request).await.unwrap().len()
    }

    async fn person(&self, instance: i64) -> Job {
        self.until_at(instance, "ask").await;
        let filter =
            JobFilter { instance: Some(instance), kind: Some(JobKind::User), ..JobFilter::default() };
        self.engine.jobs(&filter).await.unwrap().remove(0)
    }

    async fn a_suspended_instance_begins_nothing_and_takes_an_answer_that_was_under_way(&self) {
        let content = format!("{}{}{}", task("a", ""), task("b", ""), line(&["a", "b"]));
        let key = self.start("contract-suspend", &content, json!({})).await;
        let job = self.job(key, "a").await;
        self.engine.suspend(key, "mia").await.unwrap();
        assert_eq!(self.engine.instance(key).await.unwrap().status, Status::Suspended);
        assert!(matches!(self.engine.suspend(key, "mia").await, Err(Error::Conflict(_))));
        self.complete(&job, json!({"done": 1})).await;
        assert_eq!(self.free(key).await, 0, "nothing begins while it is suspended");
        self.engine.resume(key, "mia").await.unwrap();
        assert!(matches!(self.engine.resume(key, "mia").await, Err(Error::Conflict(_))));
        let job = self.job(key, "b").await;
        assert_eq!(job.variables["done"], json!(1));
        // What is ready, and not leased, waits as well.
        let other = self.start("contract-suspend", &content, json!({})).await;
        self.until_at(other, "a").await;
        self.engine.suspend(other, "mia").await.unwrap();
        assert_eq!(self.free(other).await, 0);
        self.engine.cancel(other, "done").await.unwrap();
        self.complete(&job, json!({})).await;
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }

    async fn a_message_waits_for_a_suspended_receiver(&self) {
        let wait = r#"<bpmn:receiveTask id="wait" messageRef="m_contract-held"/>"#;
        let key =
            self.start("contract-held", &format!("{wait}{}", line(&["wait"])), json!({"order": "h"})).await;
        self.until_at(key, "wait").await;
        self.engine.suspend(key, "mia").await.unwrap();
        let message = Message {
            name: "paid-contract-held".to_owned(),
            correlation_key: Some("h".to_owned()),
            time_to_live_ms: 60_000,
            ..Message::default()
        };
        self.engine.publish_message(message).await.unwrap();
        assert_eq!(self.engine.instance(key).await.unwrap().status, Status::Suspended);
        self.engine.resume(key, "mia").await.unwrap();
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }

    async fn a_token_is_moved_and_its_job_goes_with_it(&self) {
        let content =
            format!("{}{}{}{}", task("a", ""), task("b", ""), task("c", ""), line(&["a", "b", "c"]));
        let key = self.start("contract-modify", &content, json!({})).await;
        let held = self.job(key, "a").await;
        let stands = self.engine.state(key).await.unwrap().current.remove(0).element;
        let unknown = Modification { activate: vec!["nowhere".to_owned()], ..Modification::default() };
        assert!(matches!(self.engine.modify(key, unknown, "mia").await, Err(Error::Conflict(_))));
        let modification = Modification { terminate: vec![stands], activate: vec!["c".to_owned()] };
        self.engine.modify(key, modification, "mia").await.unwrap();
        let current = self.engine.state(key).await.unwrap().current;
        assert_eq!(current.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["c"]);
        let late =
            self.engine.complete_job(held.key, held.attempt, Variables::new(), Record::default()).await;
        assert!(matches!(late, Err(Error::Stale { .. } | Error::Conflict(_))), "{late:?}");
        let job = self.job(key, "c").await;
        self.complete(&job, json!({})).await;
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }

    async fn an_instance_goes_on_by_a_newer_version(&self) {
        let before = format!("{}{}{}", task("a", ""), task("b", ""), line(&["a", "b"]));
        let key = self.start("contract-migrate", &before, json!({"x": 1})).await;
        let held = self.job(key, "a").await;
        let after = format!(
            "{}{}{}{}",
            task("a2", ""),
            task("check", ""),
            task("b", ""),
            line(&["a2", "check", "b"])
        );
        let newer = self.engine.deploy(vec![model("contract-migrate", &after)]).await.unwrap().remove(0);
        let to = |elements: &[(&str, &str)]| Migration {
            definition: newer.key,
            elements: elements.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
        };
        let refused = self.engine.migrate(key, to(&[]), "mia").await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        let first = self.engine.instance(key).await.unwrap().definition;
        assert_ne!(first, newer.key, "a refusal changes nothing");
        self.engine.migrate(key, to(&[("a", "a2")]), "mia").await.unwrap();
        assert_eq!(self.engine.instance(key).await.unwrap().definition, newer.key);
        let current = self.engine.state(key).await.unwrap().current;
        assert_eq!(current.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["a2"]);
        // The worker that held the job before the migration answers it after.
        self.complete(&held, json!({})).await;
        let job = self.job(key, "check").await;
        assert_eq!(job.definition, newer.key);
        self.complete(&job, json!({})).await;
        let job = self.job(key, "b").await;
        self.complete(&job, json!({})).await;
        assert_eq!(self.ends(key).await.status, Status::Completed);
        let other = self.start("contract-other", &after, json!({})).await;
        let refused =
            self.engine.migrate(other, Migration { definition: newer.key, elements: BTreeMap::new() }, "mia");
        assert!(matches!(refused.await, Err(Error::Conflict(_))));
        self.engine.cancel(other, "done").await.unwrap();
    }

    async fn a_user_task_is_claimed_by_one_and_taken_over_only_on_purpose(&self) {
        let content = format!(r#"<bpmn:userTask id="ask"/>{}"#, line(&["ask"]));
        let key = self.start("contract-claim", &content, json!({})).await;
        let task = self.person(key).await.key;
        let claim = |who: &str| Assignment { assignee: Some(who.to_owned()), take_over: false };
        self.engine.assign(task, claim("kim"), "kim").await.unwrap();
        self.engine.assign(task, claim("kim"), "kim").await.unwrap();
        let refused = self.engine.assign(task, claim("lee"), "lee").await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(text) if text.contains("kim")), "{refused}");
        assert_eq!(self.person(key).await.assignee.as_deref(), Some("kim"));
        let over = Assignment { take_over: true, ..claim("lee") };
        self.engine.assign(task, over, "boss").await.unwrap();
        assert_eq!(self.person(key).await.assignee.as_deref(), Some("lee"));
        let back = Assignment { assignee: None, take_over: true };
        self.engine.assign(task, back, "lee").await.unwrap();
        assert_eq!(self.person(key).await.assignee, None);
        self.engine.complete_user_task(task, "kim", Variables::new()).await.unwrap();
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }

    async fn a_person_escalates_and_the_task_stays_open(&self) {
        let content = format!(
            r#"<bpmn:userTask id="ask"/>{}<bpmn:boundaryEvent id="up" attachedToRef="ask" cancelActivity="false">
            <bpmn:escalationEventDefinition escalationRef="x"/></bpmn:boundaryEvent><bpmn:endEvent id="y"/>{}{}{}"#,
            task("help", ""),
            line(&["ask"]),
            flow("g1", "up", "help"),
            flow("g2", "help", "y"),
        );
        let key = self.start("contract-escalate", &content, json!({})).await;
        let asked = self.person(key).await.key;
        let escalation = Escalation { code: "late".to_owned(), variables: object(json!({"why": "ill"})) };
        self.engine.escalate(asked, None, escalation, "kim").await.unwrap();
        let help = self.job(key, "help").await;
        assert_eq!(help.variables["why"], json!("ill"));
        self.complete(&help, json!({})).await;
        self.engine.complete_user_task(asked, "kim", Variables::new()).await.unwrap();
        assert_eq!(self.ends(key).await.status, Status::Completed);
    }
}

//! What people let DAS watch and do: consent, what they did, policies.

use async_graphql::{Context, InputObject, Object};
use das::policies::Rules;
use das::watch::Act;

use super::{TEXT_LIMIT_BYTES, actor, bounded};
use crate::State;
use crate::error::Result;
use crate::quality::{ActKind, ActsTold, ChangeKind, Consent, FindingKind, Policy};

/// Whether what people do is watched.
#[derive(InputObject)]
pub(crate) struct SetConsentInput {
    /// True gives consent, false withdraws it at once.
    given: bool,
    /// With `given: false`: forgets what is kept, too.
    #[graphql(default)]
    forget: bool,
}

/// Something that a person did; what was typed is never told.
#[derive(InputObject)]
pub(crate) struct ActInput {
    /// What.
    kind: ActKind,
    /// With what: the id of a process, `proposal:ID`, `suggestion:ID`, the name of a system; at most 300 bytes.
    subject: String,
    /// With which element of it; at most 300 bytes.
    element: Option<String>,
    /// How long ago, milliseconds; ten minutes at most.
    #[graphql(default)]
    ago_ms: u32,
}

/// What a policy allows.
#[derive(InputObject)]
pub(crate) struct SavePolicyInput {
    /// Its name: letters, digits, `-` and `_`.
    name: String,
    /// Kinds of findings; none means all.
    #[graphql(default)]
    kinds: Vec<FindingKind>,
    /// Sorts of changes; at least one.
    changes: Vec<ChangeKind>,
    /// The share of runs that may become worse, at most: upper end of the 95 % credible interval over the sandbox's
    /// paired runs. 40 pairs without a worse one give 0.086.
    #[graphql(default = 0.1)]
    worse_at_most: f64,
    /// Proposals that it may accept in 24 hours, 1 to 50.
    #[graphql(default = 3)]
    per_day: u32,
    /// Why it is there.
    #[graphql(default)]
    why: String,
}

/// Which policy is switched.
#[derive(InputObject)]
pub(crate) struct SwitchPolicyInput {
    /// Its name.
    name: String,
    /// Whether it shall be in force.
    enabled: bool,
}

#[derive(Default)]
pub(crate) struct Watching;

#[Object(name = "WatchingMutation")]
impl Watching {
    /// Gives or withdraws the consent that what people do in the web admin is watched; who and when stands in the trail.
    async fn set_consent(&self, ctx: &Context<'_>, input: SetConsentInput) -> Result<Consent> {
        let state = ctx.data::<State>()?;
        let consent = state.people.agree(input.given, &actor(ctx)).await?;
        if !input.given && input.forget {
            state.people.forget().await?;
        }
        Ok(Consent::of(consent, state.people.kept().await?.len()))
    }

    /// Tells what a person did, at most 100 acts at once; kept only with consent, at most 600 a minute.
    async fn tell_acts(&self, ctx: &Context<'_>, acts: Vec<ActInput>) -> Result<ActsTold> {
        let state = ctx.data::<State>()?;
        let now_ms = state.clock.now_ms();
        let act = |act: ActInput| Act {
            kind: act.kind.into(),
            subject: act.subject,
            element: act.element,
            at_ms: now_ms.saturating_sub(i64::from(act.ago_ms)),
        };
        Ok(state.people.tell(acts.into_iter().map(act).collect(), &actor(ctx)).await?.into())
    }

    /// Forgets what people did, whatever the consent is; gives how many entries of memory that were.
    async fn forget_acts(&self, ctx: &Context<'_>) -> Result<usize> {
        Ok(ctx.data::<State>()?.people.forget().await?)
    }

    /// Writes a policy, or a new version of it, and puts it into force.
    async fn save_policy(&self, ctx: &Context<'_>, input: SavePolicyInput) -> Result<Policy> {
        let state = ctx.data::<State>()?;
        bounded("why", &input.why, TEXT_LIMIT_BYTES)?;
        let rules = Rules {
            kinds: input.kinds.into_iter().map(Into::into).collect(),
            changes: input.changes.into_iter().map(Into::into).collect(),
            worse_at_most: input.worse_at_most,
            per_day: input.per_day,
            why: input.why,
        };
        Ok(state.policies.save(&input.name, rules, &actor(ctx), state.clock.now_ms()).await?.into())
    }

    /// Switches a policy on or off, as a new version of it.
    async fn switch_policy(&self, ctx: &Context<'_>, input: SwitchPolicyInput) -> Result<Policy> {
        let state = ctx.data::<State>()?;
        let now_ms = state.clock.now_ms();
        Ok(state.policies.switch(&input.name, input.enabled, &actor(ctx), now_ms).await?.into())
    }
}

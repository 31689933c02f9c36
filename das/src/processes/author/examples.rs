//! The examples: files written in parallel, a trader's order, a planner's reorder point.

use bpmn::program::{DrawSpec, ExecutedBy, OutcomeSpec, StopSpec, TaskSpec};

use super::{Authored, end, feel, operation, tree};
use crate::tree::{Activity, Branch, Node, TaskKind, Tree};

pub(super) fn examples() -> Vec<Authored> {
    vec![
        ("parallel-file-write", "parallel_file_write", "Write three files in parallel", parallel_files()),
        ("trading-order", "trading_order", "Trading order", trading_order()),
        ("supply-chain-reorder", "supply_chain_reorder", "Supply chain reorder", reorder()),
    ]
}

fn parallel_files() -> Tree {
    let way = |name: &str| -> Node {
        let path = format!("if folder = null then \"parallel/{name}.txt\" else folder + \"/{name}.txt\"");
        Node::sequence(vec![
            operation(&format!("write_{name}"), &format!("Write file {name}"), "file.create", &path, &[])
                .input("content", format!("\"written by {name}\""))
                .output(format!("{name}Exists"), "exists")
                .into(),
            operation(&format!("read_{name}"), &format!("Read file {name}"), "file.read", &path, &[])
                .output(format!("{name}Content"), "content")
                .into(),
        ])
    };
    let names = ["one", "two", "three"];
    let mut join = Activity::new("Join contents").id("join_contents").spec(feel(
        &[
            ("contents", "[oneContent, twoContent, threeContent]"),
            (
                "complete",
                "every content in contents satisfies content != null and starts with(content, \"written by\")",
            ),
        ],
        &[("complete", Some("complete = true"), true), ("incomplete", None, false)],
    ));
    for name in names {
        join = join.input(format!("{name}Content"), format!("{name}Content"));
    }
    let join = join.output("contents", "contents").output("complete", "complete");
    let nodes = vec![Node::parallel(names.map(way).to_vec()), join.into()];
    let text = "Three files are written by parallel tasks, read back, and joined. Input: folder (default: parallel).";
    tree(nodes, "Files wanted", "Files written", text)
}

fn draw(variable: &str, distribution: &str, parameters: &[(&str, &str)]) -> DrawSpec {
    DrawSpec {
        variable: variable.to_owned(),
        distribution: distribution.to_owned(),
        parameters: parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
    }
}

fn outcome(label: &str, when: Option<&str>, success: bool) -> OutcomeSpec {
    OutcomeSpec { label: label.to_owned(), success, when: when.map(str::to_owned) }
}

const ORDER: &str = "{ \
    symbol: if symbol = null then \"ACME\" else symbol, \
    side: if side = null then \"buy\" else side, \
    amount: if quantity = null then 500 else quantity, \
    limit: if limitPrice = null then 42.5 else limitPrice, \
    market: if marketPrice = null then 42.1 else marketPrice, \
    held: if position = null then 1000 else position, \
    position_limit: if positionLimit = null then 5000 else positionLimit, \
    approval_limit: if approvalLimit = null then 50000 else approvalLimit, \
    slippage_limit: if slippageLimitBp = null then 8 else slippageLimitBp \
}";

fn trading_order() -> Tree {
    let capture: Node = Activity::new("Capture order")
        .actor("Trader")
        .script(ORDER, "order")
        .documentation("Fills in what the order leaves open, so that the example runs as it is.")
        .into();
    let check: Node = Activity::new("Check order")
        .actor("Trader")
        .spec(feel(
            &[(
                "orderValid",
                "order.amount > 0 and order.limit > 0 and (order.side = \"buy\" or order.side = \"sell\")",
            )],
            &[("valid", Some("orderValid = true"), true), ("invalid", None, false)],
        ))
        .input("order", "order")
        .output("orderValid", "orderValid")
        .into();
    let limits: Node = Activity::new("Check risk limits")
        .actor("Risk")
        .spec(feel(
            &[
                ("notional", "order.amount * order.limit"),
                ("after", "order.held + (if order.side = \"buy\" then order.amount else -order.amount)"),
                ("withinLimits", "abs(after) <= order.position_limit"),
                ("needsApproval", "notional > order.approval_limit"),
            ],
            &[("within limits", Some("withinLimits = true"), true), ("limit breached", None, false)],
        ))
        .input("order", "order")
        .output("notional", "notional")
        .output("withinLimits", "withinLimits")
        .output("needsApproval", "needsApproval")
        .into();
    let approve: Node = Activity::new("Approve order above limit")
        .actor("Risk")
        .kind(TaskKind::User)
        .documentation("A person decides; sets approved to true or false.")
        .into();
    let approval = Node::choice(
        "Above approval limit?",
        vec![
            Branch::when(
                "yes",
                "needsApproval = true",
                Node::sequence(vec![
                    approve,
                    Node::choice(
                        "Approved?",
                        vec![
                            Branch::when("yes", "approved = true", Node::empty()),
                            Branch::otherwise("no", end("Order not approved")),
                        ],
                    ),
                ]),
            ),
            Branch::otherwise("no", Node::empty()),
        ],
    );
    let nodes = vec![
        capture,
        check,
        refuse("Order valid?", "orderValid = false", "Order refused"),
        limits,
        refuse("Within limits?", "withinLimits = false", "Limit breached"),
        approval,
        slippage(),
        execute(),
    ];
    let text = "An order as a trader knows it: checked, compared with limits, expected slippage drawn, approved above \
                a limit, executed and settled. Inputs (all optional): symbol, side, quantity, limitPrice, marketPrice, \
                position, positionLimit, approvalLimit, slippageLimitBp.";
    tree(nodes, "Order received", "Order settled", text)
}

fn refuse(label: &str, condition: &str, ending: &str) -> Node {
    Node::choice(
        label,
        vec![Branch::when("no", condition, end(ending)), Branch::otherwise("yes", Node::empty())],
    )
}

fn slippage() -> Node {
    let spec = TaskSpec {
        by: ExecutedBy::Stochastic,
        draws: vec![
            draw("volatility_bp", "lognormal", &[("mean", "1.1"), ("sd", "0.4")]),
            draw("noise_bp", "normal", &[("mean", "0"), ("sd", "2")]),
        ],
        computes: vec![(
            "slippage_bp".to_owned(),
            "volatility_bp + noise_bp + order.amount / 1000".to_owned(),
        )],
        outcomes: vec![
            outcome("acceptable", Some("slippage_bp <= order.slippage_limit"), true),
            outcome("excessive", None, false),
        ],
        stop: Some(StopSpec {
            rule: Some("winner".to_owned()),
            delta: Some(0.05),
            samples: Some(2_000),
            ..StopSpec::default()
        }),
        undecided: Some("leader".to_owned()),
        ..TaskSpec::default()
    };
    Activity::new("Estimate slippage")
        .actor("Trader")
        .spec(spec)
        .input("order", "order")
        .output("slippage", "outcome")
        .output("slippageShares", "shares")
        .documentation("Draws slippage in basis points until it is clear whether it stays below the limit.")
        .into()
}

fn execute() -> Node {
    let split = Activity::new("Split order into slices")
        .actor("Trader")
        .script("for slice in 1..5 return order.amount / 5", "slices");
    let at_once = Activity::new("Send order as a whole").actor("Trader").script("[order.amount]", "slices");
    let fill = Activity::new("Execute order").actor("Trader").script(
        "{ price: min(order.limit, order.market), filled: sum(slices), value: sum(slices) * min(order.limit, order.market) }",
        "fill",
    );
    let book = Activity::new("Book position")
        .actor("Operations")
        .spec(feel(
            &[
                ("newPosition", "order.held + (if order.side = \"buy\" then fill.filled else -fill.filled)"),
                ("booked", "fill.filled = order.amount"),
            ],
            &[("booked", Some("booked = true"), true), ("difference", None, false)],
        ))
        .input("order", "order")
        .input("fill", "fill")
        .output("newPosition", "newPosition");
    let settle = Activity::new("Instruct settlement")
        .actor("Operations")
        .script("{ amount: fill.value, days: 2 }", "settlement");
    Node::sequence(vec![
        Node::choice(
            "Slippage acceptable?",
            vec![Branch::when("no", "slippage = \"excessive\"", split), Branch::otherwise("yes", at_once)],
        ),
        fill.into(),
        Node::parallel(vec![book.into(), settle.into()]),
    ])
}

const PLAN: &str = "{ \
    daily: if dailyDemand = null then 120 else dailyDemand, \
    daily_sd: if dailyDemandSd = null then 35 else dailyDemandSd, \
    lead_time: if leadTimeDays = null then 9 else leadTimeDays, \
    lead_time_sd: if leadTimeSd = null then 1.5 else leadTimeSd, \
    target: if serviceTarget = null then 0.95 else serviceTarget, \
    stock: if stockOnHand = null then 900 else stockOnHand, \
    on_order: if stockOnOrder = null then 0 else stockOnOrder, \
    lot: if lotSize = null then 100 else lotSize \
}";

fn reorder() -> Tree {
    let plan: Node = Activity::new("Set planning parameters").actor("Planner").script(PLAN, "plan").into();
    let start: Node =
        Activity::new("Start without safety stock").actor("Planner").script("0", "safetyFactor").into();
    let point: Node = Activity::new("Set reorder point")
        .actor("Planner")
        .script(
            "plan.daily * plan.lead_time + safetyFactor * sqrt(plan.lead_time * plan.daily_sd ** 2 \
             + plan.daily ** 2 * plan.lead_time_sd ** 2)",
            "reorderPoint",
        )
        .documentation("Mean demand over the lead time plus safety factor times its standard deviation.")
        .into();
    let raise: Node = Activity::new("Raise safety factor")
        .actor("Planner")
        .script("safetyFactor + 0.25", "safetyFactor")
        .into();
    let mut search = Node::repeat(
        "Service level reached?",
        "serviceLevel != null and serviceLevel < plan.target and safetyFactor < 5",
        Node::sequence(vec![point, demand()]),
        raise,
    );
    if let Node::Loop(repeat) = &mut search {
        repeat.again_label = Some("no".to_owned());
    }
    let compare: Node = Activity::new("Compare stock with reorder point")
        .actor("Planner")
        .spec(feel(
            &[
                ("available", "plan.stock + plan.on_order"),
                ("reorderNeeded", "available <= reorderPoint"),
                (
                    "orderQuantity",
                    "if reorderNeeded then ceiling((reorderPoint + plan.daily * plan.lead_time - available) / plan.lot) \
                     * plan.lot else 0",
                ),
            ],
            &[("reorder", Some("reorderNeeded = true"), true), ("enough stock", None, true)],
        ))
        .input("plan", "plan")
        .input("reorderPoint", "reorderPoint")
        .output("reorderNeeded", "reorderNeeded")
        .output("orderQuantity", "orderQuantity")
        .into();
    let place: Node = Activity::new("Place replenishment order")
        .actor("Purchasing")
        .script("{ quantity: orderQuantity, due_in_days: plan.lead_time }", "replenishment")
        .into();
    let decide = Node::choice(
        "Reorder?",
        vec![Branch::when("yes", "reorderNeeded = true", place), Branch::otherwise("no", Node::empty())],
    );
    let text = "A planner's reorder point: demand over the lead time is drawn, and the safety stock raised until the \
                service level is reached; then stock is compared and an order placed. Inputs (all optional): \
                dailyDemand, dailyDemandSd, leadTimeDays, leadTimeSd, serviceTarget, stockOnHand, stockOnOrder, lotSize.";
    tree(vec![plan, start, search, compare, decide], "Planning day", "Stock planned", text)
}

fn demand() -> Node {
    let spec = TaskSpec {
        by: ExecutedBy::Stochastic,
        draws: vec![
            draw("lead_time", "normal", &[("mean", "=plan.lead_time"), ("sd", "=plan.lead_time_sd")]),
            draw("surprise", "normal", &[("mean", "0"), ("sd", "1")]),
        ],
        computes: vec![
            ("days".to_owned(), "max(lead_time, 0)".to_owned()),
            ("demand".to_owned(), "plan.daily * days + surprise * plan.daily_sd * sqrt(days)".to_owned()),
        ],
        outcomes: vec![
            outcome("covered", Some("demand <= reorderPoint"), true),
            outcome("stockout", None, false),
        ],
        stop: Some(StopSpec {
            rule: Some("shares".to_owned()),
            share: Some(0.03),
            samples: Some(3_000),
            ..StopSpec::default()
        }),
        undecided: Some("leader".to_owned()),
        ..TaskSpec::default()
    };
    Activity::new("Draw demand over the lead time")
        .actor("Planner")
        .spec(spec)
        .input("plan", "plan")
        .input("reorderPoint", "reorderPoint")
        .output("serviceLevel", "shares.covered")
        .into()
}

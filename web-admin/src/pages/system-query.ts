// What the page of a system asks for: the columns first; links and parts apart, so that no single answer grows beyond
// what the server reads for one question.
import { graphql, type ResultOf } from "../api";

export const SYSTEM = graphql(`
  query System($name: String!) {
    system(name: $name) {
      id name version
      requirements(first: 1000) {
        totalCount
        nodes {
          id localId label group pattern subject condition response verification criterion unallocatedReason
          quantities { property comparator value upper unit siValue siUnit }
          findings { kind text }
        }
      }
      components(first: 1000) {
        totalCount
        nodes { id localId label description parent { localId } origin { rule confidence assumed } }
      }
      processes(first: 1000) {
        totalCount
        nodes {
          id localId label processId definition { key version } score { average low high attempts }
          origin { rule confidence assumed }
        }
      }
      functions(first: 1000) {
        totalCount
        nodes { id localId label elements origin { rule confidence assumed } }
      }
      coverage {
        requirements allocated ratio verificationRatio
        unallocated { id reason }
        orphanComponents { localId label }
        orphanFunctions { localId label }
        conflicts { requirements why }
      }
    }
  }
`);

export type SystemData = NonNullable<ResultOf<typeof SYSTEM>["system"]>;

/** The links of a system; refused for a huge one, whose lines are then asked for one by one. */
export const LINKS = graphql(`
  query SystemLinks($name: String!) { system(name: $name) { links { kind source target } } }
`);

export const TRACE = graphql(`
  query Trace($system: String!, $id: String!) {
    trace(system: $system, id: $id) {
      requirements { localId } components { localId } processes { localId } functions { localId }
    }
  }
`);

export const PARTS = graphql(`
  query SystemParts($name: String!) {
    system(name: $name) {
      interfaces(first: 500) {
        totalCount
        nodes { localId name item direction unit source { localId } target { localId } }
      }
      constraints(first: 500) { totalCount nodes { localId name kind subject property comparator siValue siUnit } }
    }
  }
`);

/** What flows over a component, and what bounds it. */
export const CONNECTIONS = graphql(`
  query Connections($name: String!, $id: String!) {
    system(name: $name) {
      interfaces(
        first: 100
        filter: { any: [{ source: { equals: $id } }, { target: { equals: $id } }] }
      ) { nodes { localId name } }
      constraints(first: 100, filter: { subject: { equals: $id } }) { nodes { localId name } }
    }
  }
`);

/** Which requirements a node comes from; a part at the top may come from all of them. */
export const SOURCES = graphql(`
  query Sources($id: IRI!) {
    node(id: $id) {
      ... on Component { origin { sources } }
      ... on Process { origin { sources } }
      ... on Function { origin { sources } }
    }
  }
`);

export type SystemParts = NonNullable<ResultOf<typeof PARTS>["system"]>;

// What the page of a system asks for.
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
        nodes { id localId label description parent { localId } origin { rule sources confidence assumed } }
      }
      processes(first: 1000) {
        totalCount
        nodes {
          id localId label processId definition { key version } score { average low high attempts }
          origin { rule sources confidence assumed }
        }
      }
      functions(first: 1000) {
        totalCount
        nodes { id localId label elements origin { rule sources confidence assumed } }
      }
      links { kind source target }
      interfaces { localId name item direction unit source { localId } target { localId } }
      constraints { localId name kind subject property comparator siValue siUnit }
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

// An address that leads nowhere.
import { Link } from "wouter-preact";
import { Empty } from "../components/states";
import { useTitle } from "../title";

export default function Missing() {
  useTitle("Nothing here");
  return (
    <Empty>
      <h1>There is nothing at this address</h1>
      <p>
        Go to the <Link href="/">systems</Link> or the <Link href="/processes">processes</Link>.
      </p>
    </Empty>
  );
}

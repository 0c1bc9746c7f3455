/** For who is not signed in. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { Me } from "../api/types";
import { Coded, Say } from "../parts/basics";
import { explained, me, signedIn, type Told, useLoaded } from "../state";
import { text } from "../text";

export function Login(): VNode {
  const { data } = useLoaded<{ mode: Me["mode"] }>("/api/login");
  const [token, setToken] = useState("");
  const [annotator, setAnnotator] = useState("");
  const [problem, setProblem] = useState<Told | null>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      me.value = await call<Me>("/api/login", { token, annotator });
      signedIn.value = true;
    } catch (error) {
      setProblem(explained(error));
    }
  };
  return (
    <div class="message">
      <h1>{text.login.title}</h1>
      {me.value && <p>{text.login.expired}</p>}
      {data?.mode === "remote" ? (
        <form onSubmit={(event) => void submit(event)}>
          <label>
            {text.login.token}
            <input type="password" autocomplete="off" required value={token} onInput={(event) => setToken(event.currentTarget.value)} />
          </label>
          <label>
            {text.login.name}
            <input autocomplete="username" required value={annotator} onInput={(event) => setAnnotator(event.currentTarget.value)} />
          </label>
          {problem && <div role="alert"><Say {...problem} /></div>}
          <button class="primary">{text.login.enter}</button>
        </form>
      ) : (
        <p>
          <Coded value={text.login.local} />
        </p>
      )}
    </div>
  );
}

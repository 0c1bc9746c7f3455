import { expect, test } from "vitest";
import { MOST_WAITING, waitingCount } from "../src/answers/book";
import type { Happened } from "../src/answers/desk";
import { Disk, FakeServer, opened, pairs, same, until } from "./things";

const settled = (desk: { state: { book: Parameters<typeof waitingCount>[0] } }): boolean => waitingCount(desk.state.book) === 0;

test("fifty answers in haste are fifty labels, none doubled", async () => {
  const server = new FakeServer(pairs(60));
  const desk = await opened(server, new Disk());
  for (let n = 0; n < 50; n++) {
    await until(() => desk.current !== null && desk.accepting);
    if (desk.current) expect(desk.answer(desk.current, same(desk.current))).toBe(true);
  }
  await until(() => settled(desk));
  expect(server.labels.size).toBe(50);
  expect(new Set(server.labels.values()).size).toBe(50);
  desk.close();
});

test("an answer whose confirmation is lost is sent again with its id and stored once", async () => {
  const server = new FakeServer(pairs(3));
  const desk = await opened(server, new Disk());
  server.loseConfirmation = true;
  if (desk.current) desk.answer(desk.current, same(desk.current));
  await until(() => settled(desk));
  expect(server.labels.size).toBe(1);
  expect(server.calls.filter((name) => name === "submit").length).toBe(2);
  desk.close();
});

test("while the services are down answers wait, at most 20, and are sent in order afterwards", async () => {
  const server = new FakeServer(pairs(40));
  const desk = await opened(server, new Disk());
  server.up = false;
  const taken: string[] = [];
  while (desk.current) {
    const { key } = desk.current;
    if (!desk.answer(desk.current, same(desk.current))) break;
    taken.push(key);
  }
  expect(taken.length).toBe(10); // all that were fetched
  expect(desk.state.offline === null || desk.state.offline.status === 503).toBe(true);
  server.up = true;
  await until(() => settled(desk));
  expect([...server.labels.values()]).toEqual(taken);
  desk.close();
});

test("no more than 20 operations wait", async () => {
  const server = new FakeServer(pairs(40));
  const desk = await opened(server, new Disk());
  desk.state = { ...desk.state, supply: pairs(40) };
  server.up = false;
  let count = 0;
  while (desk.current && desk.answer(desk.current, same(desk.current))) count++;
  expect(count).toBe(MOST_WAITING);
  expect(desk.accepting).toBe(false);
  server.up = true;
  await until(() => desk.accepting);
  desk.close();
});

test("answers that waited when the page was closed are sent when it is opened again", async () => {
  const server = new FakeServer(pairs(5));
  const disk = new Disk();
  const before = await opened(server, disk);
  server.up = false;
  if (before.current) before.answer(before.current, same(before.current));
  await until(() => before.state.offline !== null);
  before.close();
  server.up = true;
  const after = await opened(server, disk);
  await until(() => settled(after));
  expect(server.labels.size).toBe(1);
  expect(after.undo()).toBe(true);
  await until(() => settled(after));
  expect(server.labels.size).toBe(0);
  after.close();
});

test("undo to zero leaves no label, and the questions come back in reverse order", async () => {
  const server = new FakeServer(pairs(8));
  const desk = await opened(server, new Disk());
  const asked: string[] = [];
  for (let n = 0; n < 6; n++) {
    await until(() => desk.current !== null);
    if (!desk.current) continue;
    asked.push(desk.current.key);
    desk.answer(desk.current, same(desk.current));
  }
  const back: string[] = [];
  while (desk.undo()) back.push(desk.current?.key ?? "");
  await until(() => settled(desk));
  expect(back).toEqual(asked.reverse());
  expect(server.labels.size).toBe(0);
  expect(desk.redo()).toBe(true);
  await until(() => settled(desk));
  expect(server.labels.size).toBe(1);
  desk.close();
});

test("an answer that is refused is dropped and reported, and the next one is sent", async () => {
  const events: Happened[] = [];
  const server = new FakeServer(pairs(5));
  const desk = await opened(server, new Disk(), events);
  if (desk.current) desk.answer(desk.current, same(desk.current));
  await until(() => settled(desk));
  server.labels.clear(); // taken back elsewhere
  desk.undo();
  await until(() => events.some(({ kind }) => kind === "refused"));
  if (desk.current) desk.answer(desk.current, same(desk.current));
  await until(() => server.labels.size === 1);
  desk.close();
});

test("a key that belongs to the question before is no answer to the next one", async () => {
  const server = new FakeServer(pairs(5));
  const desk = await opened(server, new Disk());
  const shown = desk.current;
  if (!shown) throw new Error("no question");
  expect(desk.answer(shown, same(shown))).toBe(true);
  expect(desk.answer(shown, same(shown))).toBe(false);
  await until(() => settled(desk));
  expect(server.labels.size).toBe(1);
  desk.close();
});

test("a finished session ends the questions", async () => {
  const server = new FakeServer(pairs(2));
  const desk = await opened(server, new Disk());
  while (desk.current) desk.answer(desk.current, same(desk.current));
  await until(() => desk.state.found === "finished" && !desk.state.fetching);
  expect(desk.current).toBeNull();
  desk.close();
});

test("who leaves gives the questions back, once; who is only put aside keeps them", async () => {
  const server = new FakeServer(pairs(3));
  const desk = await opened(server, new Disk());
  desk.leave();
  desk.leave();
  expect(server.calls.filter((name) => name === "leave").length).toBe(1);
  const other = await opened(server, new Disk());
  other.close();
  other.leave();
  expect(server.calls.filter((name) => name === "leave").length).toBe(1);
});

test("questions that arrive after a person left are given back too", async () => {
  const server = new FakeServer(pairs(3));
  const desk = await opened(server, new Disk());
  const asked = desk.refill();
  desk.leave();
  await asked;
  expect(server.calls.slice(-2)).toEqual(["leave", "leave"]);
  expect(desk.accepting).toBe(false);
});

test("a burst of several animals, which leaves no label, is asked again after undo", async () => {
  const server = new FakeServer(pairs(3));
  const desk = await opened(server, new Disk());
  const question = desk.current;
  if (question) desk.answer(question, { labels: [], bursts: [{ detections: ["a", "b", "c"], one_animal: false, versions: [] }] });
  await until(() => settled(desk));
  expect(desk.undo()).toBe(true);
  await until(() => settled(desk));
  expect(desk.current?.key).toBe(question?.key);
  expect(server.calls).not.toContain("retract");
  desk.close();
});

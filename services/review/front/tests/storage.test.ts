import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import * as books from "../src/answers/book";
import { BrowserStorage } from "../src/answers/storage";
import { pair, same } from "./things";

test("what is stored is read again, for its own scope only", async () => {
  const question = pair("a", "b");
  const storage = new BrowserStorage("kruger\nmain\nanna");
  const one = books.answered(books.EMPTY, "r0", question, same(question));
  await storage.save(books.EMPTY, one);
  const two = books.kept(books.answered(one, "r1", question, same(question)), "r0", ["l0"]);
  await storage.save(one, two);
  expect(await new BrowserStorage("kruger\nmain\nanna").load()).toEqual(two.entries);
  expect(await new BrowserStorage("kruger\nmain\nanna2").load()).toEqual([]);
  await storage.save(two, books.EMPTY);
  expect(await storage.load()).toEqual([]);
});

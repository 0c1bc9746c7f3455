import { expect, test } from "vitest";
import * as books from "../src/answers/book";
import { pair, same } from "./things";

const [first, second, third] = [pair("a", "b"), pair("b", "c"), pair("c", "d")];

function given(...questions: (typeof first)[]): books.Book {
  return questions.reduce((book, one, index) => books.answered(book, `r${index}`, one, same(one)), books.EMPTY);
}

test("answers are sent in the order in which they were given", () => {
  let book = given(first, second);
  expect(books.nextOperation(book)).toMatchObject({ kind: "answer", id: "r0" });
  book = books.kept(book, "r0", ["l0"]);
  expect(books.nextOperation(book)).toMatchObject({ kind: "answer", id: "r1" });
  expect(books.nextOperation(books.kept(book, "r1", ["l1"]))).toBeNull();
});

test("an answer that was not sent is undone without a call", () => {
  const book = books.undone(given(first, second), "u", null);
  expect(book?.entries.map(({ id }) => id)).toEqual(["r0"]);
});

test("an answer that is being sent is retracted once its labels are known", () => {
  const book = books.undone(given(first), "u", "r0");
  expect(book).not.toBeNull();
  expect(books.nextOperation(book as books.Book)).toMatchObject({ kind: "answer", id: "r0" });
  const known = books.kept(book as books.Book, "r0", ["l0"]);
  expect(books.nextOperation(known)).toMatchObject({ kind: "retract", id: "u", labelIds: ["l0"] });
  expect(books.dropped(known, "u").entries).toEqual([]);
});

test("a retraction is sent before answers that were given after it", () => {
  let book = books.kept(given(first), "r0", ["l0"]);
  book = books.answered(books.undone(book, "u", null) as books.Book, "r9", first, same(first));
  expect(books.nextOperation(book)).toMatchObject({ kind: "retract", id: "u" });
});

test("undo goes back to zero, and redo forward again in the same order", () => {
  let book: books.Book = given(first, second, third);
  const shown: string[] = [];
  for (let last = books.lastAnswer(book); last; last = books.lastAnswer(book)) {
    shown.push(last.question.key);
    book = books.undone(book, "u", null) as books.Book;
  }
  expect(shown).toEqual([third.key, second.key, first.key]);
  expect(books.undone(book, "u", null)).toBeNull();
  for (const id of ["x", "y", "z"]) book = books.redone(book, id) as books.Book;
  expect(book.entries.map(({ question }) => question.key)).toEqual([first.key, second.key, third.key]);
  expect(books.redone(book, "w")).toBeNull();
});

test("a new answer ends what can be given again", () => {
  const book = books.answered(books.undone(given(first), "u", null) as books.Book, "r5", second, same(second));
  expect(books.redone(book, "x")).toBeNull();
});

test("at most DEPTH answers are kept, but none that waits is forgotten", () => {
  let book = books.EMPTY;
  for (let n = 0; n < books.DEPTH + 50; n++) {
    book = books.answered(book, `r${n}`, first, same(first));
    if (n !== 3) book = books.kept(book, `r${n}`, [`l${n}`]);
  }
  expect(book.entries.length).toBe(books.DEPTH + 1);
  expect(books.nextOperation(book)).toMatchObject({ id: "r3" });
});

test("restored entries are continued by later numbers", () => {
  const before = books.undone(books.kept(given(first, second), "r1", ["l1"]), "u", null) as books.Book;
  const book = books.answered(books.restored([...before.entries].reverse()), "r7", third, same(third));
  expect(book.entries.map(({ seq }) => seq)).toEqual([1, 2, 4]);
});

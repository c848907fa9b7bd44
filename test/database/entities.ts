import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import type { Viewer } from "../../src/core/database/viewer.ts";
import { testViewer } from "../../src/testing/viewers.ts";

const ShelfSchema = defineEntity({
  name: "Shelf",
  tableName: "library_shelf",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    label: p.string(),
    books: () => p.oneToMany(Book).mappedBy("shelf"),
  }),
});

/** Every member of the tenant sees it. */
export class Shelf extends ShelfSchema.class {}

const BookSchema = defineEntity({
  name: "Book",
  tableName: "library_book",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    title: p.string(),
    pages: p.integer().default(1),
    shelf: () => p.manyToOne(Shelf).nullable(),
    sequel: () => p.manyToOne(Book).nullable(),
  }),
});

/** Its owner sees it. */
export class Book extends BookSchema.class {}
ShelfSchema.setClass(Shelf);
BookSchema.setClass(Book);

const LoanSchema = defineEntity({
  name: "Loan",
  tableName: "library_loan",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string(), grantee: p.string() }),
});

/** Its owner and its grantee see it. */
export class Loan extends LoanSchema.class {}
LoanSchema.setClass(Loan);

const LedgerSchema = defineEntity({
  name: "Ledger",
  tableName: "library_ledger",
  properties: (p) => ({ id: p.string().primary(), sum: p.integer() }),
});

/** Nobody sees it. */
export class Ledger extends LedgerSchema.class {}
LedgerSchema.setClass(Ledger);

export const entities = [
  owned(ShelfSchema, { rule: "SHARED" }),
  owned(BookSchema, { rule: "PRIVATE" }),
  owned(LoanSchema, { rule: "GRANTED", grant: (viewer: Viewer) => ({ grantee: viewer.actorId }) }),
  owned(LedgerSchema, { rule: "INTERNAL" }),
];

export const alice = testViewer("alice");
export const bob = testViewer("bob");
export const admin = testViewer("ada", { roles: ["admin"] });
/** Of another tenant, under Alice's id. */
export const stranger = testViewer("alice", { tenantId: "elsewhere" });
/** An admin of that other tenant. */
export const strangeAdmin = testViewer("ada", { tenantId: "elsewhere", roles: ["admin"] });

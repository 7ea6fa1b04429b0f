import {
  type DescField,
  type DescMessage,
  type DescOneof,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { memo } from "./memo.ts";
import { fieldName, isIgnored, isOneList, isSaid } from "./mlflow.ts";
import { didYouMean, nearest } from "./nearest.ts";
import type { Origin, Origins } from "./origins.ts";
import { keyPath, type Place, type Report } from "./problems.ts";
import { broken, brokenWhole, innerRules, oneofRequired, rulesOf } from "./rules.ts";
import { isSecret } from "./secrets.ts";
import { isNull, type Node } from "./tree.ts";
import { DURATION, enumForm, type Form, scalarForm, shown } from "./values.ts";

/**
 * A YAML tree as the message of a descriptor. Every problem is reported with its place, and decoding goes on behind it:
 * unknown keys, values of the wrong kind, and broken `buf.validate` rules. What has a problem stays unset. Keys are proto
 * names; a key with nothing behind it counts as absent.
 *
 * @param path Of `node` in its file, for problems; "" for the whole file.
 * @param origins Takes the place of every message and field.
 * @param later Fields that stay unset: the caller decodes their values, which `origins` has, by other descriptors.
 */
export function decode<Desc extends DescMessage>(
  desc: Desc,
  node: Node,
  path: string,
  report: Report,
  origins: Origins,
  later: readonly DescField[] = [],
): MessageShape<Desc> {
  return new Decoder(report, origins, later).table(desc, node, path).message as MessageShape<Desc>;
}

class Decoder {
  private readonly report: Report;
  private readonly origins: Origins;
  private readonly later: readonly DescField[];

  constructor(report: Report, origins: Origins, later: readonly DescField[]) {
    this.report = report;
    this.origins = origins;
    this.later = later;
  }

  table(desc: DescMessage, node: Node, path: string): ReflectMessage {
    const target = reflect(desc);
    const fields = new Map<string, Origin>();
    this.origins.record(target.message, { at: node.at, path, node, fields });
    if (node.kind === "table") {
      for (const [key, { at, value }] of node.entries) {
        if (this.report.full) break;
        const inner = keyPath(path, key);
        const field = desc.fields.find(({ name }) => name === fieldName(desc, key));
        const first = field && fields.get(field.name);
        if (!field) {
          if (!isSaid(desc, key, value.kind === "scalar" && value.value)) this.unknown(desc, key, at, path);
        } else if (first && !isOneList(desc, field.name))
          this.report.problem(at, inner, `the same as ${first.path} on line ${first.at.line}; remove one of them`);
        else {
          if (!first || isNull(first.node))
            fields.set(field.name, { at: isNull(value) ? at : value.at, path: inner, node: value });
          if (!isNull(value) && !this.later.includes(field)) this.field(target, field, value, inner);
        }
      }
    } else if (!isNull(node)) {
      this.report.problem(node.at, path, `want keys and values, have ${shown(node)}`);
      return target;
    }
    this.required(target);
    return target;
  }

  private unknown(desc: DescMessage, key: string, at: Place, path: string): void {
    const names = desc.fields.map(({ name }) => name);
    const meant = nearest(key, names);
    const words = meant === undefined ? `want one of ${names.join(", ")}` : `did you mean ${meant}?`;
    // Of a file MLflow ignores it; whoever asks the admin API sees no warnings.
    if (meant === undefined && isIgnored(desc, key) && at.stored === undefined) {
      this.report.warn(at, keyPath(path, key), `unknown key, which is ignored; ${words}`);
      return;
    }
    this.report.problem(at, keyPath(path, key), `unknown key; ${words}`);
    this.report.excuse(meant === undefined ? path : keyPath(path, meant));
  }

  private field(target: ReflectMessage, field: DescField, node: Node, path: string): void {
    const rules = rulesOf(field);
    if (field.fieldKind === "list") this.list(target.get(field), field, rules, node, path);
    else if (field.fieldKind === "map") this.map(target.get(field), field, rules, node, path);
    else {
      const rival = field.oneof && target.oneofCase(field.oneof);
      const value = this.element(field, rules, node, path);
      if (rival) this.report.problem(node.at, path, `cannot stand beside ${rival.name}; remove one of them`);
      else if (value !== undefined) target.set(field, value);
    }
  }

  private list(list: ReflectList, field: DescField, rules: FieldRules | undefined, node: Node, path: string): void {
    if (node.kind !== "list") {
      this.report.problem(node.at, path, `want a list, have ${shown(node)}; write each entry behind a dash`);
      return;
    }
    for (const [index, item] of node.items.entries()) {
      const value = this.element(field, innerRules(rules).values, item, `${path}[${index}]`);
      if (value !== undefined) list.add(value);
    }
    this.whole(
      rules,
      node.items.map((item) => (item.kind === "scalar" ? String(item.value) : "")),
      node,
      path,
    );
  }

  private map(
    map: ReflectMap,
    field: DescField & { fieldKind: "map" },
    rules: FieldRules | undefined,
    node: Node,
    path: string,
  ): void {
    if (node.kind !== "table") {
      this.report.problem(node.at, path, `want keys and values, have ${shown(node)}`);
      return;
    }
    const { keys, values } = innerRules(rules);
    const form = scalarForm(field.mapKey, "");
    for (const [text, entry] of node.entries) {
      const inner = keyPath(path, text);
      const key = form.read(text) ?? form.read(Number(text));
      const wants = key === undefined ? [form] : broken(keys, key);
      for (const { want } of wants) this.report.problem(entry.at, inner, `want ${want} as the key`);
      const value = this.element(field, values, entry.value, inner);
      if (key !== undefined && value !== undefined) map.set(key, value);
    }
    this.whole(rules, [...node.entries.keys()], node, path);
  }

  /** The value of a field that is not repeated, of an item, or of a map's entry; `undefined` when it has been reported. */
  private element(field: DescField, rules: FieldRules | undefined, node: Node, path: string): unknown {
    const secret = isSecret(field);
    const value = this.value(field, node, path, secret);
    // A secret's rules are about what it stands for, not about the reference.
    for (const { want, choices } of value === undefined || secret ? [] : broken(rules, value)) {
      const meant = choices && node.kind === "scalar" ? didYouMean(String(node.value), choices) : "";
      this.report.problem(node.at, path, `want ${want}, have ${shown(node)}${meant}`);
    }
    return value;
  }

  private value(field: DescField, node: Node, path: string, secret: boolean): unknown {
    if (field.message?.typeName.startsWith("google.protobuf.")) {
      if (field.message.typeName !== "google.protobuf.Duration") return this.json(field.message, node, path);
    } else if (field.message) {
      if (!isNull(node)) return this.table(field.message, node, path);
      this.report.problem(node.at, path, "want keys and values, have nothing");
      return undefined;
    }
    const form = formOf(field);
    const value = node.kind === "scalar" && node.value !== null ? form.read(node.value) : undefined;
    if (value !== undefined) return field.message ? reflect(field.message, value as MessageShape<DescMessage>) : value;
    const meant =
      field.enum && node.kind === "scalar" ? didYouMean(String(node.value), enumForm(field.enum).names) : "";
    const quotes = form.want === "text" && node.kind === "scalar" && node.value !== null ? "; put it in quotes" : "";
    this.report.problem(node.at, path, `want ${form.want}, have ${shown(node, secret)}${meant}${quotes}`);
    return undefined;
  }

  /** Struct, Value and the other well-known types, by their JSON form. */
  private json(desc: DescMessage, node: Node, path: string): ReflectMessage | undefined {
    try {
      return reflect(desc, fromJson(desc, toJson(node)));
    } catch {
      const want = desc.typeName === "google.protobuf.Struct" ? "keys and values" : `a ${desc.name}`;
      this.report.problem(node.at, path, `want ${want}, have ${shown(node)}`);
      return undefined;
    }
  }

  private whole(rules: FieldRules | undefined, keys: readonly string[], node: Node, path: string): void {
    for (const { want } of brokenWhole(rules, keys)) this.report.problem(node.at, path, `want ${want}`);
  }

  private required(target: ReflectMessage): void {
    for (const field of target.fields) {
      if (target.isSet(field) || !needed(field)) continue;
      const { at, path } = this.origins.spot(target.message, field.name);
      const { node } = this.origins.field(target.message, field.name) ?? {};
      // What stands there and is not set was reported already, unless it is an empty value that no rule but this refuses.
      if (!node && this.report.explains(path)) continue;
      if (!node || isNull(node)) this.report.problem(at, path, `missing; add ${choicesOf(field)}`);
      else if (!this.report.has(path)) this.report.problem(at, path, "empty; give it a value");
    }
    for (const oneof of target.oneofs) {
      if (oneofRequired(oneof) && !target.oneofCase(oneof)) this.missingMember(target, oneof);
    }
  }

  private missingMember(target: ReflectMessage, oneof: DescOneof): void {
    const given = oneof.fields.some(({ name }) => this.origins.field(target.message, name));
    const { at, path } = this.origins.of(target.message);
    const names = oneof.fields.map(({ name }) => name);
    if (given || this.report.explains(path, ...names.map((name) => keyPath(path, name)))) return;
    this.report.problem(at, path, `want one of ${names.join(", ")}; add it`);
  }
}

function formOf(field: DescField): Form {
  if (field.message) return DURATION;
  return field.enum ? enumForm(field.enum) : scalarForm(field.scalar!, field.name);
}

/** Whether the field may not be left out: it is required, or its empty value breaks its own rules. */
const needed = memo((field: DescField): boolean => {
  const rules = rulesOf(field);
  if (!rules || rules.required) return rules !== undefined;
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return false;
  if (field.fieldKind === "list" || field.fieldKind === "map") return brokenWhole(rules, []).length > 0;
  return broken(rules, reflect(field.parent).get(field)).length > 0;
});

function choicesOf(field: DescField): string {
  const type = rulesOf(field)?.type;
  const choices = type?.case === "string" ? type.value.in : [];
  return choices.length > 0 ? `one of ${choices.join(", ")}` : "it";
}

function toJson(node: Node): JsonValue {
  if (node.kind === "list") return node.items.map(toJson);
  if (node.kind === "scalar") return typeof node.value === "bigint" ? Number(node.value) : node.value;
  const object: JsonObject = {};
  for (const [key, { value }] of node.entries) object[key] = toJson(value);
  return object;
}

/** A page that streams a chat, and lists the gateway's routes. Its origin has to stand in the gateway's `cors.allowed_origins`. */
import { createPolygate, Role } from "polygate/client";

const form = document.querySelector("form")!;
const output = document.querySelector("output")!;
const list = document.querySelector("ul")!;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const text = (name: string) => data.get(name) as string;
  ask(text("url"), text("key"), text("message")).catch((error: unknown) => {
    output.textContent = String(error);
  });
});

async function ask(baseUrl: string, key: string, message: string): Promise<void> {
  const polygate = createPolygate({ baseUrl, ...(key !== "" && { key }) });
  output.textContent = "";
  const messages = [{ role: Role.USER, content: { case: "text" as const, value: message } }];
  for await (const { choices } of polygate.chat.streamChat({ chat: { model: "chat", messages } }))
    for (const { delta } of choices) output.textContent += delta?.content ?? "";
  const { routes } = await polygate.routes.listRoutes({});
  list.replaceChildren(
    ...routes.map(({ name, routeType }) => {
      const item = document.createElement("li");
      item.textContent = `${name} (${routeType})`;
      return item;
    }),
  );
}

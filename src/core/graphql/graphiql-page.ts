/** What stands in an example's variables for the thread that the tab before has made. */
export const madeThread = "<the thread of CreateThread>";

/**
 * GraphiQL's tabs can be dragged: on mouse-down one moves away from under the pointer, and the click is lost. They stay where they are.
 */
export const pageStyle = ".graphiql-tab { transform: none !important; }";

/**
 * Runs in the page before GraphiQL. It remembers the thread that `createThread` made, for as long as the browser's tab is open, and puts its
 * id in the place of {@link madeThread} in what is sent.
 */
export const pageScript = `(() => {
  const placeholder = ${JSON.stringify(madeThread)};
  const key = "weftline:thread";
  const filled = (text) => {
    const thread = sessionStorage.getItem(key);
    return thread && typeof text === "string" ? text.replaceAll(placeholder, thread) : text;
  };
  const { fetch, WebSocket } = window;
  window.fetch = async (input, init) => {
    const response = await fetch(input, init && { ...init, body: filled(init.body) });
    response.clone().json().then(
      (body) => {
        const thread = body?.data?.createThread?.thread?.id;
        if (thread) sessionStorage.setItem(key, thread);
      },
      () => undefined,
    );
    return response;
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    return send.call(this, filled(data));
  };
})();`;

// What `withGlobalTauri` puts into the page, as far as it is used here.
interface Window {
  __TAURI__: {
    core: {
      invoke(command: string, values?: Record<string, unknown>): Promise<any>;
      Channel: new () => { onmessage: (message: any) => void };
    };
    event: { listen(event: string, handler: (event: { payload: any }) => void): Promise<() => void> };
  };
}

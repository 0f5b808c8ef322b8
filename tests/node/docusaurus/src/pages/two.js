export default () => (
  <main>
    <h1>Two</h1>
  </main>
);
